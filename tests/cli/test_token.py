import json


def test_tokens_are_made_listed_and_revoked_and_never_shown_again(ql):
    made = ql("token", "create", "ci", "--scope", "read", "--ttl", "30d", "--json")
    token = json.loads(made.stdout)
    assert made.returncode == 0 and token["token"].startswith("ql_") and token["scopes"] == ["read"] and token["live"]
    listed = ql("token", "list", "--json")
    assert [t["name"] for t in json.loads(listed.stdout)] == ["ci"] and token["token"] not in listed.stdout
    assert ql("token", "revoke", "ci").returncode == 0
    assert json.loads(ql("token", "list", "--json").stdout)[0]["live"] is False
    again = ql("token", "revoke", "ci")
    assert again.returncode == 2 and "hint" in again.stderr
    assert ql("token", "create", "x", "--scope", "everything").returncode == 2
