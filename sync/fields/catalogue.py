"""
The kinds of fields that have a name of their own, and how each is written.

In 3.0 a field is written as Apple's programs do, for they read nothing else; in 4.0 as the standard says, which is what
others show. A property without a name here is of kind `x:` and its name in lower case, `x:logo` for one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Kind:
    """
    A kind of field: its *key*, its English *title*, an *example* that `field_from_text` accepts, and how it is written.

    A person may have several fields of a *repeatable* kind; of another one a second is accepted, too, but clients show
    one.
    """

    key: str
    title: str
    example: str
    repeatable: bool
    in_3: str
    in_4: str

    @property
    def help(self) -> str:
        """Two lines that say how the kind is written in either version."""
        return f"vCard 3.0: {self.in_3}\nvCard 4.0: {self.in_4}"


_NAMED = "X-ABRELATEDNAMES with X-ABLabel:{}"
_KINDS = (
    Kind("name", "Name", "Zhang San", False, "FN, or N for Family;Given", "as in 3.0"),
    Kind("phonetic", "Phonetic name", "zhang san", True, "X-PHONETIC-LAST-NAME and the like", "as in 3.0"),
    Kind("nickname", "Nickname", "Sanzi", True, "NICKNAME", "NICKNAME"),
    Kind("mobile", "Mobile phone", "+86 138 0013 8000", True, "TEL;TYPE=CELL", "TEL;TYPE=cell"),
    Kind("home-phone", "Home phone", "+86 10 5555 0100", True, "TEL;TYPE=HOME", "TEL;TYPE=home"),
    Kind("office-phone", "Office phone", "+86 10 5555 0101", True, "TEL;TYPE=WORK", "TEL;TYPE=work"),
    Kind("fax", "Fax", "+86 10 5555 0102", True, "TEL;TYPE=WORK;TYPE=FAX", "TEL;TYPE=work,fax"),
    Kind("phone", "Phone", "+86 10 5555 0103", True, "TEL", "TEL"),
    Kind("email", "E-mail", "san@example.com", True, "EMAIL;TYPE=INTERNET", "EMAIL"),
    Kind("qq", "QQ", "10001234", True, "IMPP;X-SERVICE-TYPE=QQ:x-apple:…, labelled QQ", "IMPP:qq:…"),
    Kind("msn", "MSN", "san@example.com", True, "IMPP;X-SERVICE-TYPE=MSN:msnim:…, labelled MSN", "IMPP:msnim:…"),
    Kind(
        "wechat", "WeChat", "zhang_san", True, "IMPP;X-SERVICE-TYPE=微信号:x-apple:…, labelled WeChat", "IMPP:wechat:…"
    ),
    Kind("im", "Messenger", "xmpp:san@example.com", True, "IMPP;X-SERVICE-TYPE=…", "IMPP, the scheme says which"),
    Kind("birthday", "Birthday", "1980-03-22", False, "BDAY:1980-03-22, 1604 for no year", "BDAY:19800322, --0322"),
    Kind("anniversary", "Anniversary", "2009-08-08", False, "X-ABDATE, labelled _$!<Anniversary>!$_", "ANNIVERSARY"),
    Kind("hobby", "Hobby", "Sailing", True, _NAMED.format("Hobby"), "as in 3.0"),
    Kind("interest", "Interest", "Jazz", True, _NAMED.format("Interest"), "as in 3.0"),
    Kind("expertise", "Expertise", "Chemistry", True, _NAMED.format("Expertise"), "as in 3.0"),
    Kind("school", "School", "Tsinghua University", True, _NAMED.format("School"), "as in 3.0"),
    Kind("bank-account", "Bank account", "6222 0000 0000 0000", True, _NAMED.format("Bank account"), "as in 3.0"),
    Kind("address", "Postal address", "1 Main Street, Springfield", True, "ADR;TYPE=HOME", "ADR;TYPE=home"),
    Kind("organization", "Organization", "ACME; Sales", True, "ORG", "ORG"),
    Kind("title", "Job title", "Engineer", True, "TITLE", "TITLE"),
    Kind("role", "Role", "Project lead", True, "ROLE", "ROLE"),
    Kind("url", "Web page", "https://example.com/", True, "URL", "URL"),
    Kind("social", "Social profile", "https://social.example/@san", True, "X-SOCIALPROFILE", "X-SOCIALPROFILE"),
    Kind("photo", "Photo", "a picture file", False, "PHOTO;ENCODING=b;TYPE=JPEG", "PHOTO:data:image/jpeg;base64,…"),
    Kind("note", "Note", "Met in Beijing", True, "NOTE", "NOTE"),
    Kind("gender", "Gender", "F", False, "X-GENDER", "GENDER"),
    Kind("language", "Language", "zh-CN", True, "LANG", "LANG"),
    Kind("related", "Related person", "Li Si", True, "X-ABRELATEDNAMES with X-ABLabel", "RELATED;VALUE=text"),
    Kind("categories", "Categories", "friends, chess", True, "CATEGORIES", "CATEGORIES"),
    Kind("geo", "Position", "39.9042, 116.4074", True, "GEO:39.9042;116.4074", "GEO:geo:39.9042,116.4074"),
    Kind("timezone", "Time zone", "Asia/Shanghai", False, "TZ;VALUE=text", "TZ, or TZ;VALUE=utc-offset:+0800"),
    Kind("key", "Public key", "https://example.com/key.asc", True, "KEY;VALUE=uri, or ENCODING=b", "KEY"),
)

CATALOGUE: Mapping[str, Kind] = MappingProxyType({kind.key: kind for kind in _KINDS})
"""All kinds with a name, by their keys, in the order in which a person would look for them."""
