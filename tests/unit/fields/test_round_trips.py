"""There and back is the same: every property and parameter of the standards, and of the programs that we know."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

import pytest

from sync.fields import FieldContent, fields_of, head, media, render, same_meaning
from sync.fields.translate import RULES
from sync.merging import matching
from sync.vcard import Property, parse_one
from tests.support import pictures

MODERN = [
    # RFC 6350
    "SOURCE:ldap://ldap.example.com/cn=Babs%20Jensen",
    "SOURCE;MEDIATYPE=text/vcard:https://example.com/jo.vcf",
    "KIND:org",
    "XML:<config xmlns='http://config.example'>a\\, b</config>",
    "FN:Mr. John Q. Public\\, Esq.",
    "FN;LANGUAGE=ja;ALTID=1:山田",
    "FN;TYPE=work;PREF=2:Jo",
    "N:Public;John;Quinlan,Paul;Mr.;Esq.",
    'N;SORT-AS="Harten,Rene":van der Harten;Rene,J.;Sir;R.D.O.N.;',
    "N;LANGUAGE=ja;ALTID=1:山田;太郎;;;",
    "NICKNAME:Jim,Jimmie",
    "NICKNAME;TYPE=work;PREF=1:Boss",
    "PHOTO:http://www.example.com/pub/photos/jqpublic.gif",
    "PHOTO;MEDIATYPE=image/gif;PREF=3:http://www.example.com/jqpublic",
    f"PHOTO:data:image/jpeg;base64,{pictures.encoded(1)}",
    "BDAY:19960415",
    "BDAY:--0415",
    "BDAY:1996-04",
    "BDAY:1996",
    "BDAY:---15",
    "BDAY:19531015T231000Z",
    "BDAY;VALUE=date-and-or-time:19960415",
    "BDAY;VALUE=text:circa 1800",
    "BDAY;CALSCALE=gregorian:19960415",
    "BDAY;LANGUAGE=de;VALUE=text:Ostern 1900",
    "ANNIVERSARY:19960415",
    "ANNIVERSARY:--0415",
    "ANNIVERSARY;VALUE=text:the year of the flood",
    "ANNIVERSARY:1996-04",
    "GENDER:M;Fellow",
    "GENDER:;it's complicated",
    "GENDER:F",
    'ADR;GEO="geo:12.3457,78.910";LABEL="Mr. John, Esq.\\nMail Drop: TNE\\nMars":;;123 Main Street;Town;CA;91921;USA',
    'ADR;LABEL="1 Main St, Springfield":;;;;;;',
    'ADR;LABEL="a^nb":;;1 Main St;;;;',
    "ADR;LABEL=a, b:;;1 Main St;;;;",
    "ADR;LABEL=back\\\\slash:;;1 Main St;;;;",
    "ADR;TYPE=home,dom;PREF=1;TZ=Europe/Berlin;LANGUAGE=de;CC=de:;;Weg 1,Haus 2;Berlin;;1;DE",
    'TEL;VALUE=uri;PREF=1;TYPE="voice,home":tel:+1-555-555-5555;ext=5555',
    "TEL;VALUE=uri;TYPE=home:tel:+33-01-23-45-67",
    "TEL;TYPE=text,textphone,cell:+1 555",
    "TEL;TYPE=main-number,x-own:+1 555",
    "TEL;MEDIATYPE=text/plain:+1 555",
    "EMAIL;TYPE=work:jqpublic@xyz.example.com",
    "EMAIL;PREF=1;TYPE=work,internet:a@b.example",
    "EMAIL;PREF=50:a@b.example",
    "IMPP;PREF=1:xmpp:alice@example.com",
    "IMPP;TYPE=home:sip:alice@example.com",
    "IMPP:skype:jo?chat",
    "IMPP;TYPE=work:irc://irc.example/jo",
    "LANG;TYPE=work;PREF=1:en",
    "TZ:Raleigh/North America",
    "TZ;VALUE=utc-offset:-0500",
    "TZ;VALUE=uri:https://tz.example/berlin",
    "TZ:-0500",
    "GEO:geo:37.386013,-122.082932",
    "GEO:geo:37.386013,-122.082932;u=35",
    "GEO:geo:37.386013,-122.082932,100",
    "GEO;TYPE=work;PREF=1:geo:1,2",
    "GEO:geo:45.159612\\,5.732511",
    "TITLE:Research Scientist",
    "TITLE;LANGUAGE=fr;ALTID=1;TYPE=work:Patron",
    "ROLE:Project Leader",
    "LOGO:http://www.example.com/pub/logos/abccorp.jpg",
    "LOGO;TYPE=work:data:image/png;base64,AAAA",
    "LOGO:data:image/svg+xml;utf8,%3Csvg/%3E",
    "ORG:ABC\\, Inc.;North American Division;Marketing",
    'ORG;SORT-AS="ABC";TYPE=work:ABC\\, Inc.',
    "MEMBER:urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af",
    "MEMBER;PREF=1;MEDIATYPE=text/vcard:mailto:subscriber1@example.com",
    "RELATED;TYPE=friend:urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "RELATED;TYPE=contact:http://example.com/directory/jdoe.vcf",
    "RELATED;TYPE=co-worker;VALUE=text:Please contact my assistant Jane Doe.",
    "RELATED;TYPE=spouse,emergency;VALUE=text;LANGUAGE=en:Jo",
    "RELATED;VALUE=text:Jo",
    "RELATED;TYPE=agent:http://mi6.gov.uk/007",
    "RELATED;TYPE=parent,friend;VALUE=text;PREF=1:Jo",
    "RELATED;TYPE=x-own;VALUE=text:Jo",
    "CATEGORIES:INTERNET,IETF,INDUSTRY",
    "CATEGORIES;TYPE=home;PREF=1:a\\, b,c",
    "NOTE:a\\, b\\nc\\; \\\\d",
    "NOTE;LANGUAGE=de;TYPE=work;PREF=2;ALTID=a:x",
    "SOUND;MEDIATYPE=audio/ogg;LANGUAGE=en:http://sound.example/x.ogg",
    "SOUND:data:audio/basic;base64,AAAA",
    "CLIENTPIDMAP:1;urn:uuid:53e374d9-337e-4727-8803-a1e9c14e0556",
    "TEL;PID=1.1,2.1:1",
    "URL:http://example.org/restaurant.french/~chezchic.html",
    "URL;TYPE=home;PREF=1;MEDIATYPE=text/html:https://a.example/x,y;z",
    "KEY:http://www.example.com/keys/jdoe.cer",
    "KEY;MEDIATYPE=application/pgp-keys:ftp://example.com/keys/jdoe",
    "KEY:data:application/pgp-keys;base64,AAAA",
    "KEY;VALUE=text;TYPE=work:-----BEGIN PGP-----\\nabc",
    "KEY;TYPE=home,work:data:application/x-own;base64,AAAA",
    "FBURL;PREF=1:http://www.example.com/busy/janedoe",
    "FBURL;MEDIATYPE=text/calendar:ftp://example.com/busy/project-a.ifb",
    "CALADRURI;PREF=1:mailto:janedoe@example.com",
    "CALURI;MEDIATYPE=text/calendar:ftp://ftp.example.com/calA.ics",
    # RFC 6474
    "BIRTHPLACE:Babies'R'Us Hospital",
    "BIRTHPLACE;VALUE=uri:geo:46.769307,-71.283079",
    "DEATHPLACE;LANGUAGE=en;ALTID=1:Aboard the Titanic\\, near Newfoundland",
    "DEATHDATE:19960415",
    "DEATHDATE:--0415",
    "DEATHDATE;VALUE=text:circa 1800",
    # RFC 6715
    "EXPERTISE;LEVEL=beginner;INDEX=2:chinese literature",
    "HOBBY;INDEX=1;LEVEL=high:reading",
    "INTEREST;INDEX=1;LEVEL=medium:r&b music",
    "INTEREST;TYPE=home;PREF=1;LANGUAGE=en;ALTID=1:jazz",
    "ORG-DIRECTORY;INDEX=1:http://directory.mycompany.example.com",
    "ORG-DIRECTORY;PREF=1:ldap://ldap.tech.example/o=Example%20Tech,ou=Engineering",
    # RFC 8605
    "CONTACT-URI;PREF=1:https://contact.example.com",
    "CONTACT-URI:mailto:contact@example.com",
    # RFC 9554
    "CREATED:20220705T093412Z",
    "CREATED;VALUE=timestamp:20220705T093412Z",
    "GRAMGENDER:neuter",
    "GRAMGENDER;LANGUAGE=de:feminine",
    "LANGUAGE:de",
    "PRONOUNS;LANGUAGE=en;PREF=1:xe/xir",
    "PRONOUNS;LANGUAGE=en;ALTID=1:they/them",
    "SOCIALPROFILE;SERVICE-TYPE=Mastodon:https://example.com/@foo",
    "SOCIALPROFILE:https://example.com/ietf",
    "SOCIALPROFILE;SERVICE-TYPE=SomeSite;VALUE=text:peter94",
    "SOCIALPROFILE;USERNAME=the.foo;SERVICE-TYPE=SomeSite;TYPE=work;PREF=1:https://example.com/@foo",
    "ADR;AUTHOR=mailto:jo@a.example;AUTHOR-NAME=Jo:;;1 Main St;;;;",
    "ADR;PHONETIC=jyut;SCRIPT=Latn;ALTID=1:;;1 Main St;;;;",
    'ADR;JSCOMPS="s,\\, ;11;3;10":;;54321 Oak St;Reston;;20190;U.S.A.;;;;54321;Oak St;;;;;;;;',
    "NOTE;CREATED=20211122T140000Z:x",
    "N;DERIVED=TRUE:Doe;John;;;;;",
    'N;JSCOMPS=";1;0":Doe;John;;;;;Jr.',
    "NOTE;PROP-ID=PROP-A:x",
    "X-ABDATE:19960415",
    "X-ANNIVERSARY:2009-08-08",
    "X-SOCIALPROFILE;TYPE=twitter:https://twitter.com/jo",
    "X-GENDER:Male",
    "X-ABSHOWAS:COMPANY",
    "X-KADDRESSBOOK-X-SPOUSESNAME:Jo",
    "X-EVOLUTION-SPOUSE:Jo",
    "X-SPOUSE:Jo",
    "X-QQ:12345",
    "X-PHONETIC-FIRST-NAME:a",
    "X-MESSAGING:x",
    "X-CUSTOM1;VALUE=x-foo:y",
    "AGENT:http://a.example/jo.vcf",
    "LABEL;TYPE=home:1 Main St\\nSpringfield",
    "CLASS:PRIVATE",
    "MAILER:x",
]
CLASSIC = [
    # RFC 2426
    "NAME:Jo's card",
    "PROFILE:VCARD",
    "FN:Jo\\, Jr.",
    "N:Public;John;Quinlan,Paul;Mr.;Esq.",
    "NICKNAME:Jim,Jimmie",
    f"PHOTO;ENCODING=b;TYPE=JPEG:{pictures.encoded(1)}",
    "PHOTO;VALUE=uri:http://www.abc.com/pub/photos/jqpublic.gif",
    "BDAY:1996-04-15",
    "BDAY;VALUE=date:1996-04-15",
    "BDAY:1953-10-15T23:10:00Z",
    "BDAY;VALUE=date-time:1953-10-15T23:10:00-05:00",
    "BDAY:1996-04",
    "BDAY;X-APPLE-OMIT-YEAR=1604:1604-08-20",
    "ADR;TYPE=dom,home,postal,parcel:;;123 Main Street;Any Town;CA;91921-1234",
    "ADR;TYPE=HOME;TYPE=pref:;;123 Main Street;Any Town;CA;91921-1234;",
    "LABEL;TYPE=dom,home,postal,parcel:Mr.John Q. Public\\, Esq.\\nMail Drop",
    "TEL;TYPE=work,voice,pref,msg:+1-213-555-1234",
    "TEL;TYPE=CELL;TYPE=IPHONE;TYPE=pref:+1",
    "TEL;TYPE=PAGER,VIDEO,BBS,MODEM,CAR,ISDN,PCS:+1",
    "EMAIL;TYPE=internet,pref:jdoe@isp.net",
    "EMAIL;TYPE=X400:x",
    "MAILER:PigeonMail 2.1",
    "TZ:-05:00",
    "TZ;VALUE=text:-05:00; EST; Raleigh/North America",
    "GEO:37.386013;-122.082932",
    "TITLE:Director\\, Research",
    "ROLE:Programmer",
    "LOGO;ENCODING=b;TYPE=JPEG:AAAA",
    "LOGO;VALUE=uri;TYPE=GIF:http://a.example/x.gif",
    "LOGO;ENCODING=b:AAAA",
    "AGENT;VALUE=uri:CID:JQPUBLIC.part3.960129T083020.xyzMail@host3.com",
    "AGENT:BEGIN:VCARD\\nFN:Susan Thomas\\nTEL:+1-919-555-1234\\nEND:VCARD\\n",
    "ORG:ABC\\, Inc.;North American Division;Marketing",
    "CATEGORIES:INTERNET,IETF",
    "NOTE:a\\, b\\nc",
    "SOUND;TYPE=BASIC;ENCODING=b:AAAA",
    "SOUND;VALUE=uri;TYPE=BASIC:CID:x.y@host",
    "URL:http://www.swbyps.restaurant.french/~chezchic.html",
    "CLASS:PUBLIC",
    "KEY;ENCODING=b;TYPE=X509:AAAA",
    "KEY;ENCODING=b:AAAA",
    "KEY;TYPE=PGP:abc",
    # Apple
    "X-ABSHOWAS:COMPANY",
    "X-PHONETIC-FIRST-NAME:a",
    "X-PHONETIC-LAST-NAME:b",
    "X-PHONETIC-ORG:c",
    "X-SOCIALPROFILE;type=twitter;x-user=jo:http://twitter.com/jo",
    "X-SOCIALPROFILE;type=facebook;type=pref;x-userid=1;x-displayname=Jo:x-apple:jo",
    "X-SOCIALPROFILE;X-USER=jo:",
    "IMPP;X-SERVICE-TYPE=Skype;type=HOME;type=pref:skype:jo",
    "IMPP;X-SERVICE-TYPE=Telegram:x-apple:jo",
    "IMPP;X-SERVICE-TYPE=Matrix;type=WORK:matrix:u/jo:example.org",
    "IMPP:x-apple:jo",
    "X-AIM;type=HOME;type=pref:jo",
    "X-ABUID:1234:ABPerson",
    "X-ADDRESSBOOKSERVER-KIND:group",
    "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1",
    "X-MAIDENNAME:Roe",
    "X-ALTBDAY;X-CALENDAR=chinese:1980-02-03",
    "X-ADDRESSING-GRAMMAR:AwABCA",
    "X-SHARED-PHOTO-DISPLAY-PREF:None",
    "X-IMAGETYPE:PHOTO",
    # others
    *(f"X-{name}:jo" for name in ("MSN", "QQ", "WECHAT", "WEIXIN", "ICQ", "YAHOO", "JABBER", "GTALK", "GOOGLE-TALK")),
    *(f"X-{name}:jo" for name in ("SKYPE", "SKYPE-USERNAME", "GADUGADU", "GROUPWISE", "MS-IMADDRESS", "TWITTER")),
    "X-ANNIVERSARY:2009-08-08",
    "X-MS-ANNIVERSARY:20110113",
    "X-EVOLUTION-ANNIVERSARY:2009-08-08",
    "X-KADDRESSBOOK-X-ANNIVERSARY:2009-08-08",
    "X-SPOUSE:Jo",
    "X-MANAGER:Jo",
    "X-ASSISTANT:Jo",
    "X-GENDER:female",
    "X-GENDER:it's; complicated",
    "X-MS-CARDPICTURE;ENCODING=b;TYPE=JPEG:AAAA",
    "X-MS-TEL;TYPE=COMPANY:1",
    "X-MOZILLA-HTML:FALSE",
    "X-EVOLUTION-FILE-AS:x",
    "X-EVOLUTION-BLOG-URL:http://blog.example",
    "X-KADDRESSBOOK-BLOGFEED:http://blog.example",
    "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;x;1;;;;;;;;;;;;;",
    "X-SIP:sip:jo@example.org",
    "X-PHONETIC-MIDDLE-NAME:z",
    "X-CRYPTO;TYPE=x:y",
    "X-KEY;VALUE=uri:http://x",
    'X-TEL-EXT;X-OWN="a,b",c:1',
    "CALURI:http://cal.example/a",
    "RELATED;TYPE=spouse;VALUE=text:Jo",
    "ANNIVERSARY:2009-08-08",
    "GENDER:M",
    "LANG:en",
    "HOBBY:x",
    "SOCIALPROFILE;SERVICE-TYPE=X:https://x.example/jo",
    "KIND:individual",
    "MEMBER:urn:uuid:1",
    "DEATHDATE:1996-04-15",
    "PRONOUNS:they",
    "ADR;LABEL=x:;;1 Main St;;;;",
]
GROUPS = [
    ("3.0", "item1.TEL;type=pref:1", "item1.X-ABLabel:_$!<Main>!$_"),
    ("3.0", "item1.ADR;type=HOME:;;1 Main St;;;;", "item1.X-ABADR:us", "item1.X-ABLabel:Boat"),
    ("3.0", "item1.ADR;type=HOME:;;1 Main St;;;;", "item1.LABEL:1 Main St\\nX"),
    ("3.0", "item1.ADR;type=HOME:;;;;;;", "item1.LABEL:1 Main St\\nX"),
    ("3.0", "ADR;type=HOME:;;1 Main St;;;;", "LABEL;type=HOME:1 Main St\\, X"),
    ("3.0", "N:a;b;;;", "SORT-STRING:b a"),
    ("3.0", "item1.X-ABDATE:2009-08-08", "item1.X-ABLabel:_$!<Anniversary>!$_"),
    ("3.0", "item1.X-ABDATE;X-APPLE-OMIT-YEAR=1604:1604-08-08", "item1.X-ABLabel:First kiss"),
    *(
        ("3.0", "item1.X-ABRELATEDNAMES:Jo", f"item1.X-ABLabel:{label}")
        for label in (
            "_$!<Spouse>!$_",
            "_$!<Assistant>!$_",
            "friend",
            "Co-Worker",
            "Hobby",
            "爱好",
            "School",
            "Me",
            "x",
        )
    ),
    ("3.0", "item1.URL;type=pref:https://a.example", "item1.X-ABLabel:_$!<HomePage>!$_"),
    ("3.0", "item1.IMPP;X-SERVICE-TYPE=QQ:x-apple:123", "item1.X-ABLabel:Games"),
    ("3.0", "item1.IMPP:x-apple:jo", "item1.X-ABLabel:Threema"),
    ("3.0", "item1.X-SOCIALPROFILE;type=x:https://x.example", "item1.X-ABLabel:Work"),
    ("3.0", "item1.BDAY:1980-01-01", "item1.X-ABLabel:Birth"),
    ("4.0", "item1.TEL;VALUE=uri:tel:+1", "item1.X-ABLabel:Boat"),
    ("4.0", "item1.ANNIVERSARY:20090808", "item1.X-ABLabel:Wedding"),
    ("4.0", "item1.HOBBY;LEVEL=high:x", "item1.X-ABLabel:Passion"),
    ("4.0", "item1.RELATED;VALUE=text;TYPE=friend:Jo", "item1.X-ABLabel:Pal"),
    ("4.0", "item1.ADR;LABEL=x:;;1 Main St;;;;", "item1.X-ABLabel:Boat"),
    ("4.0", "item1.SOCIALPROFILE;SERVICE-TYPE=X:https://x.example/jo", "item1.X-ABLabel:Fun"),
    ("4.0", "item1.EXPERTISE;INDEX=1:x", "item1.X-ABLabel:Art"),
]
#: Old programs' own properties come in cards of 4.0 as well, and what 4.0 has of its own in cards of 3.0.
ELSEWHERE = [
    *(("4.0", line) for line in CLASSIC if line.startswith("X-") and re.split("[;:]", line)[0] in RULES["3.0"]),
    ("4.0", "X-ABRELATEDNAMES:Jo"),
    ("3.0", "INTEREST;INDEX=1;LEVEL=medium:r&b music"),
    ("3.0", "EXPERTISE;LEVEL=expert:chemistry"),
]
CARDS = [*(("4.0", line) for line in MODERN), *(("3.0", line) for line in CLASSIC), *GROUPS, *ELSEWHERE]


def read(version: str, *lines: str) -> list[FieldContent]:
    return fields_of(parse_one("\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])))


def served(contents: list[FieldContent], version: str) -> list[FieldContent]:
    """Return the fields of the card that somebody gets in *version*, without a name that was made for it."""
    text = head(version, "uid", 0) + render(contents, version, fallback_name="Made Name", remote_media=True)
    names = {content.main.name for content in contents}
    found = fields_of(parse_one(text))
    return [each for each in found if each.main.name in names or each.main.name not in ("FN", "N")]


def edited(main: Property) -> Property:
    """Return *main* with another value that may be the property's."""
    value = main.value
    if main.name in ("BDAY", "ANNIVERSARY", "X-ABDATE", "DEATHDATE") and value[-1:].isdigit():
        return replace(main, value=value[:-1] + ("1" if value[-1] != "1" else "2"))
    if media.encoded_data(main) is not None:
        return replace(main, value=value.replace(value[-8:], "BBBB"))
    return replace(main, value=f"{value}7")


@pytest.mark.parametrize("card", CARDS, ids=lambda card: " ".join(card)[:60])
def test_there_and_back_is_the_same(card: tuple[str, ...]) -> None:
    """Once to the other version and once more to its own."""
    version, *lines = card
    contents = read(version, *lines)
    assert len(contents) == 1
    other = served(contents, "3.0" if version == "4.0" else "4.0")
    assert len(other) == 1
    assert same_meaning(contents[0], other[0]), (contents[0], other[0])
    back = served(other, version)
    assert [same_meaning(contents[0], content) for content in back] == [True], (contents[0], back)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: " ".join(card)[:60])
def test_what_a_program_saves_unchanged_stays_the_field_that_it_is(card: tuple[str, ...]) -> None:
    """In either version: nobody loses what they were granted, and nothing is taken for deleted or new."""
    version, *lines = card
    contents = read(version, *lines)
    for served_as in ("3.0", "4.0"):
        sent = served(contents, served_as)
        kept, matches = matching.edited(contents, sent)
        assert matches == [0]
        assert same_meaning(kept[0], contents[0])


@pytest.mark.parametrize("card", CARDS, ids=lambda card: " ".join(card)[:60])
def test_a_value_that_is_edited_stays_the_field_that_it_is(card: tuple[str, ...]) -> None:
    version, *lines = card
    contents = read(version, *lines)
    for served_as in ("3.0", "4.0"):
        (sent,) = served(contents, served_as)
        changed = FieldContent(sent.kind, sent.version, (edited(sent.main), *sent.properties[1:]))
        _, matches = matching.edited(contents, [changed])
        assert matches == [0]


@pytest.mark.parametrize(("version", "rules"), [("3.0", RULES["4.0"]), ("4.0", RULES["3.0"])])
def test_every_rule_is_tried(version: str, rules: Collection[str]) -> None:
    """Whoever adds a rule adds a line that it is for; a line of 3.0 is for the rules that write 4.0."""
    tried = {
        item.name for card in CARDS if card[0] == version for content in read(*card) for item in content.properties
    }
    assert set(rules) - tried == set()
