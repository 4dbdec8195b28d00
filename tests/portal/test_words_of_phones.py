"""The steps of a set-up name what stands in the phone's own menus, in the language of whoever reads them."""

from __future__ import annotations

import pytest

from tests.support.factories import person
from tests.support.forms import Visitor
from tests.support.site import Site

#: What is to be tapped, as iOS 18 and DAVx⁵ 4 call it, by the program and the language of the page.
WORDS = {
    ("iphone", "en"): (
        *("Profile Downloaded", "General › VPN & Device Management", "Install", "Not Signed", "Fetch New Data"),
        *("Settings › Apps › Contacts › Contacts Accounts › Add Account › Other › Add CardDAV Account", "My Info"),
        *("Every 15 Minutes", "Automatically", "Default Account", "Settings › Contacts › Accounts"),
    ),
    ("iphone", "zh"): (
        *("已下载描述文件", "“通用”›“VPN 与设备管理”", "安装", "未签名", "获取新数据"),
        *("设置 › App › 通讯录 › 通讯录账户 › 添加账户 › 其他 › 添加 CardDAV 账户", "我的信息"),
        *("每 15 分钟", "“自动”", "默认账户", "设置 › 通讯录 › 账户"),
    ),
    ("android", "en"): (
        *("Login", "Groups are separate vCards", "Create account", "Add account", "Login with URL and user name"),
        "Contacts sync interval",
    ),
    ("android", "zh"): (
        *("“登录”", "联系人分组方式", "按 VCard 文件分组", "创建账户", "增加账户", "使用 URL 和用户名登录"),
        *("通讯录自动同步间隔", "每 15 分钟"),
    ),
}


@pytest.mark.parametrize(("key", "language"), WORDS)
def test_steps_say_what_stands_on_the_phone(site: Site, key: str, language: str) -> None:
    visitor = Visitor(site, language=language).signed_in(person(site.database, "anna"))
    path = f"/devices/new/{key}"
    said = visitor.get(path).submit(path).text
    assert [word for word in WORDS[key, language] if word not in said] == []
