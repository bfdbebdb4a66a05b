use super::*;
use crate::catalog::DEMO;

/// A good file of three levels; cases append to it, from line 15 on.
const BASE: &str = r#"[orgs.acme]
owner = { id = "ada", name = "Ada" }
groups.gold = {}
custom_fields.size = { choices = ["S", "M"] }
[orgs.acme.programs.main]
currency = "EUR"
assets = ["a1"]
types.standard.percentage = 10
[orgs.acme.affiliates.ann]
firstname = "Ann"
lastname = "A"
[orgs.acme.affiliates.ann.programs.main]
coupon = "Save 10"
referral_code = "ann1"
"#;

/// Another program of it, from line 15 to 17.
const PROGRAM: &str = "[orgs.acme.programs.p]\ncurrency = 'EUR'\ntypes.standard.fixed = 1\n";

/// On a database where nothing is.
fn resolve(text: &str) -> Result<CatalogFile, CatalogError> {
    read(text).resolve(&KnownOrgs::default())
}

fn problems(text: &str) -> Vec<String> {
    let Err(error) = resolve(text) else {
        return Vec::new();
    };
    error
        .problems
        .iter()
        .map(|problem| format!("{}: {}", problem.line, problem.message))
        .collect()
}

/// Each case is what follows the base, and the one problem of it.
fn check(cases: &[(&str, &str)]) {
    for (more, want) in cases {
        assert_eq!(problems(&format!("{BASE}{more}")), [*want], "in {more}");
    }
}

#[test]
fn the_demo_and_the_base_are_good() {
    assert_eq!(problems(DEMO), [""; 0]);
    assert_eq!(problems(BASE), [""; 0]);
    assert_eq!(problems(""), [""; 0]);
}

#[test]
fn what_is_not_toml_is_said_with_its_line() {
    assert_eq!(
        problems("[orgs.acme]\ntitle = \"a\"\ntitle = \"b\"\n"),
        ["3: duplicate key \"title\""]
    );
    assert_eq!(
        problems(&format!("{BASE}[orgs.acme.affiliates.ann]\n")),
        ["15: duplicate key \"ann\""]
    );
    assert!(problems("[orgs.acme\n")[0].starts_with("1: "));
}

#[test]
fn fields_are_known_and_of_their_type() {
    check(&[
        ("[org.x]", "15: the file: unknown field \"org\", known are orgs"),
        (
            "nmae = 1",
            "15: affiliation of \"ann\": unknown field \"nmae\", known are asset_id, clear, coupon, fixed, \
          ignore_product_rate, percentage, referral_code, source_id, status",
        ),
        (
            "asset_id = 1",
            "15: affiliation of \"ann\": asset_id must be a text, found integer",
        ),
        ("asset_id = ' '", "15: affiliation of \"ann\": asset_id is empty"),
        (
            r#"asset_id = "a\u0000""#,
            "15: affiliation of \"ann\": asset_id contains a NUL character",
        ),
        (
            "ignore_product_rate = 'yes'",
            "15: affiliation of \"ann\": ignore_product_rate must be true or false, found string",
        ),
        (
            "status = 'ok'",
            "15: affiliation of \"ann\": unknown status \"ok\", known are approved, pending, disapproved",
        ),
        (
            "[orgs.acme.affiliates]\n'b b' = { firstname = 'B', lastname = 'B' }",
            "16: affiliate \"b b\": an id has 1 to 100 letters, digits, hyphens, underscores and dots",
        ),
        (
            "[orgs.acme.affiliates.bob]\nfirstname = 'B'",
            "15: affiliate \"bob\": lastname is missing",
        ),
        (
            "[orgs.acme.affiliates.bob]\nfirstname = 'B'\nlastname = 'B'\nemail = '@b'",
            "18: affiliate \"bob\": email needs text on both sides of an @",
        ),
        (
            "[orgs.acme.affiliates.bob]\nfirstname = 'B'\nlastname = 'B'\naddress.town = 'X'",
            "18: address of affiliate \"bob\": unknown field \"town\", known are address, address_two, city, clear, country, \
             postal_code, state",
        ),
        (
            "[orgs.acme.pixel_keys]\np = { secret = 's', address_ranges = ['10.0.0.1/8'] }",
            "16: pixel key \"p\": address_ranges holds networks such as 192.0.2.0/24 or 2001:db8::/32, zero after the prefix",
        ),
    ]);
}

#[test]
fn programs_are_in_range() {
    for (more, want) in [
        (
            "landing_page = 'tapper.inc'",
            "18: program \"p\": landing_page must start with https:// or http:// and a host",
        ),
        (
            "cookie_time = -1",
            "18: program \"p\": cookie_time must be between 0 and 36500",
        ),
        (
            "recurring_cap = 0",
            "18: program \"p\": recurring_cap must be between 1 and 2147483647",
        ),
        (
            "approval = 'later'",
            "18: program \"p\": unknown approval \"later\", known are manual, immediate, hold",
        ),
        (
            "approval = 'hold'",
            "18: program \"p\": approval \"hold\" and hold_days go together",
        ),
        (
            "default_type = 'x'",
            "18: program \"p\": default_type \"x\" is none of its types",
        ),
        (
            "default_type = 't'\ntypes.t = { fixed = 1, retired = true }",
            "18: program \"p\": default_type \"t\" is retired: name another",
        ),
        (
            "retired = 'yes'",
            "18: program \"p\": retired must be true or false, found string",
        ),
        (
            "assets = ['a', 'a']",
            "18: program \"p\": asset \"a\" is listed twice",
        ),
        (
            "hosts = ['https://tapper.inc']",
            "18: program \"p\": hosts are names in lower case, without scheme, port and path",
        ),
        (
            "hosts = ['tapper.inc', 'tapper.inc']",
            "18: program \"p\": host \"tapper.inc\" is already one of program \"p\"",
        ),
    ] {
        assert_eq!(problems(&format!("{BASE}{PROGRAM}{more}")), [want], "in {more}");
    }
}

#[test]
fn rules_are_in_range() {
    for (more, want) in [
        (
            "types.t.percentage = 100.5",
            "18: commission type \"t\" of program \"p\": percentage must be between 0 and 100, with at most 6 decimals",
        ),
        (
            "types.t.percentage = 0.1234567",
            "18: commission type \"t\" of program \"p\": percentage must be between 0 and 100, with at most 6 decimals",
        ),
        (
            "types.t.percentage = '10'",
            "18: commission type \"t\" of program \"p\": percentage must be a number, found string",
        ),
        (
            "types.t.fixed = 1000000000000.01",
            "18: commission type \"t\" of program \"p\": fixed must be between 0 and 1000000000000, with at most 6 decimals",
        ),
        (
            "types.t.fixed = nan",
            "18: commission type \"t\" of program \"p\": fixed must be between 0 and 1000000000000, with at most 6 decimals",
        ),
        (
            "types.t = {}",
            "18: commission type \"t\" of program \"p\": percentage or fixed is missing",
        ),
        (
            "types.t = { fixed = 1, percentage = 1 }",
            "18: commission type \"t\" of program \"p\": percentage and fixed exclude each other",
        ),
        (
            "types.t = { fixed = 1, groups.none.fixed = 2 }",
            "18: commission type \"t\" of program \"p\": unknown group \"none\"",
        ),
        (
            "types.t = { fixed = 1, recurrence = 'daily' }",
            "18: commission type \"t\" of program \"p\": unknown recurrence \"daily\", known are once, weekly, monthly, yearly",
        ),
        (
            "levels.level-1.percentage = 1",
            "18: level \"level-1\" of program \"p\": levels are called level-2 to level-20",
        ),
        (
            "levels.level-3.percentage = 1",
            "18: program \"p\": level-3 is never paid without level-2",
        ),
        (
            "levels = { level-2.percentage = -1, level-3.percentage = 1 }",
            "18: level \"level-2\" of program \"p\": percentage must be between 0 and 100, with at most 6 decimals",
        ),
        (
            "bonuses.b = { target_type = 'clicks', target = 1, interval = 'calmo', fixed = 1 }",
            "18: bonus \"b\" of program \"p\": unknown target_type \"clicks\", known are conversion_count, conversion_amount",
        ),
        (
            "bonuses.b = { target_type = 'conversion_count', target = 0, interval = 'calmo', fixed = 1 }",
            "18: bonus \"b\" of program \"p\": target must be between 1 and 1000000000",
        ),
        (
            "bonuses.b = { target_type = 'conversion_count', target = 1, interval = 'week', fixed = 1 }",
            "18: bonus \"b\" of program \"p\": unknown interval \"week\", known are calmo",
        ),
    ] {
        assert_eq!(problems(&format!("{BASE}{PROGRAM}{more}")), [want], "in {more}");
    }
    check(&[
        (
            "[orgs.acme.programs.p]\ntypes.standard.fixed = 1",
            "15: program \"p\": currency is missing",
        ),
        (
            "[orgs.acme.programs.p]\ncurrency = 'EURO'\ntypes.standard.fixed = 1",
            "16: program \"p\": currency: `EURO` is not an ISO 4217 currency code",
        ),
        (
            "[orgs.x.programs]\na = { currency = 'EUR', types.standard.fixed = 1, default = true }\n\
          b = { currency = 'EUR', types.standard.fixed = 1, default = true }",
            "17: program \"b\": program \"a\" is the default already",
        ),
    ]);
}

#[test]
fn keys_have_a_secret_an_owner_and_scopes() {
    check(&[
        (
            "[orgs.acme.keys]\nk = { key = '12345678', scopes = ['write'] }",
            "16: key \"k\": unknown scope \"write\", known are ingest, read, manage, replay, admin",
        ),
        (
            "[orgs.acme.keys]\nk = { key = '12345678', scopes = [] }",
            "16: key \"k\": scopes names no scope",
        ),
        (
            "[orgs.acme.keys]\nk = { key = '12345678' }",
            "16: key \"k\": scopes is missing",
        ),
        (
            "[orgs.acme.keys]\nk = { key = 'short', scopes = ['all'] }",
            "16: key \"k\": key is shorter than 8 characters",
        ),
        (
            "[orgs.acme.keys]\nk = { key = 'ck_live_x', scopes = ['all'] }",
            "16: key \"k\": key is mistyped: its check characters do not fit",
        ),
        (
            "[orgs.acme.keys]\nk = { key_sha256 = 'abc', scopes = ['all'] }",
            "16: key \"k\": key_sha256 must be 64 hexadecimal digits",
        ),
        (
            "[orgs.acme.keys]\nk = { scopes = ['all'] }",
            "16: key \"k\": exactly one of key and key_sha256 is needed",
        ),
        (
            "[orgs.acme.keys]\nk = { key = '12345678', scopes = ['all'], program = 'x' }",
            "16: key \"k\": unknown program \"x\"",
        ),
        (
            "[orgs.acme.keys]\nk = { key = '12345678', scopes = ['all'], rate_per_minute = 0 }",
            "16: key \"k\": rate_per_minute must be between 1 and 2147483647",
        ),
        (
            "[orgs.acme.keys]\nk = { key = '12345678', scopes = ['all'], repeats = 'last' }",
            "16: key \"k\": unknown repeats \"last\", known are documented, first",
        ),
        (
            "[orgs.acme.keys]\nk = { key = '12345678', scopes = ['all'] }\nl = { key = '12345678', scopes = ['all'] }",
            "17: key \"l\" is the same as key \"k\"",
        ),
        (
            "[orgs.bare.keys]\nk = { key = '12345678', scopes = ['all'] }",
            "16: key \"k\": owner is missing, here or at the organisation",
        ),
    ]);
}

#[test]
fn references_are_known_and_codes_are_unique() {
    let bob = "[orgs.acme.affiliates.bob]\nfirstname = 'B'\nlastname = 'B'\n";
    for (more, want) in [
        (
            "parent = 'nobody'",
            "18: affiliate \"bob\": unknown parent \"nobody\"",
        ),
        (
            "parent = 'bob'",
            "18: affiliate \"bob\": parents in a circle: bob → bob",
        ),
        ("group = 'lead'", "18: affiliate \"bob\": unknown group \"lead\""),
        (
            "custom_fields.color = 'red'",
            "18: affiliate \"bob\": unknown custom field \"color\"",
        ),
        (
            "custom_fields.size = 'L'",
            "18: affiliate \"bob\": \"L\" is no choice of custom field \"size\"",
        ),
        (
            "programs.y = {}",
            "18: affiliation of \"bob\": unknown program \"y\"",
        ),
        (
            "programs.main.coupon = ' SAVE10'",
            "18: affiliation of \"bob\": coupon \" SAVE10\" is already one of \"ann\"",
        ),
        (
            "programs.main.referral_code = 'ann1'",
            "18: affiliation of \"bob\": referral_code \"ann1\" is already one of \"ann\"",
        ),
        (
            "programs.main.referral_code = 'ann'",
            "18: affiliation of \"bob\": referral_code \"ann\" is the id of another affiliate",
        ),
        (
            "programs.main.asset_id = 'a2'",
            "18: affiliation of \"bob\": asset_id \"a2\" is no asset of its program",
        ),
        (
            "programs.main.source_id = 's'",
            "18: affiliation of \"bob\": source_id needs an asset_id",
        ),
    ] {
        assert_eq!(problems(&format!("{BASE}{bob}{more}")), [want], "in {more}");
    }
    let source = "asset_id = 'a1'\nsource_id = 's1'\n";
    assert_eq!(
        problems(&format!(
            "{BASE}{source}{bob}programs.main = {{ asset_id = 'a1', source_id = 's1' }}"
        )),
        ["20: affiliation of \"bob\": source_id \"s1\" of this asset is already one of \"ann\""]
    );
    check(&[
        (
            "[orgs.x]\nclient_id = 7\n[orgs.y]\nclient_id = 7",
            "18: org \"y\": client_id is already the one of org \"x\"",
        ),
        (
            "[orgs.x]\npixel_keys.p.secret = 's'\n[orgs.y]\npixel_keys.p.secret = 's'",
            "18: pixel key \"p\" is already one of org \"x\"",
        ),
    ]);
    // Organisations do not know each other's codes.
    let other = BASE.replace("orgs.acme", "orgs.other");
    assert_eq!(problems(&format!("{BASE}{other}")), [""; 0]);
}

#[test]
fn a_circle_is_said_once_and_does_not_hide_other_members() {
    let text = "[orgs.x.affiliates]\n\
        a = { firstname = 'A', lastname = 'A', parent = 'c' }\n\
        b = { firstname = 'B', lastname = 'B', parent = 'a' }\n\
        c = { firstname = 'C', lastname = 'C', parent = 'b' }\n\
        below = { firstname = 'D', lastname = 'D', parent = 'a' }\n";
    assert_eq!(
        problems(text),
        ["2: affiliate \"a\": parents in a circle: a → c → b → a"]
    );
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    let text = "[orgs.x]\n\
        colour = 'red'\n\
        client_id = 'seven'\n\
        [orgs.x.programs.p]\n\
        currency = 'XXXX'\n\
        types.standard.percentage = 101\n\
        [orgs.x.affiliates.a]\n\
        parent = 'b'\n\
        programs.q = {}\n";
    let lines: Vec<_> = resolve(text)
        .unwrap_err()
        .problems
        .iter()
        .map(|problem| problem.line)
        .collect();
    assert_eq!(lines, [2, 3, 5, 6, 7, 7, 8, 9]);
    let error = parse("[orgs.x]\n  typo = 1\n").unwrap_err();
    assert_eq!(
        error.in_file("my.toml"),
        "my.toml:2:3: org \"x\": unknown field \"typo\", known are affiliates, \
        affiliates_feature, clear, client_id, custom_fields, events_per_minute, events_under_way, groups, keys, owner, pixel_keys, programs, title"
    );
}

#[test]
fn what_may_be_in_the_database_is_no_mistake_of_the_file_alone() {
    let partial = "[orgs.acme.affiliates.ann]\nparent = 'bob'\ngroup = 'gold'\ncustom_fields.size = 'S'\n\
        programs.main = { coupon = 'ANN', source_id = 's' }\n\
        [orgs.acme.programs.main]\nhold_days = 3\ntypes.other = { title = 'x', groups.gold = {} }\nlevels.level-4.title = 'x'\n\
        [orgs.acme.keys]\nk = { key = '12345678', program = 'main' }\n[orgs.acme.pixel_keys]\np = {}\n";
    parse(partial).unwrap();
    assert_eq!(problems(partial).len(), 16, "{:?}", problems(partial));
    assert!(parse(&format!("{partial}q = 1\n")).is_err());
}

#[test]
fn what_is_cleared_can_be_and_is_not_said() {
    check(&[
        (
            "clear = 'coupon'",
            "15: affiliation of \"ann\": clear must be a list of texts, found string",
        ),
        (
            "clear = ['cupon']",
            "15: affiliation of \"ann\": clear: unknown field \"cupon\"",
        ),
        (
            "clear = ['clear']",
            "15: affiliation of \"ann\": clear: unknown field \"clear\"",
        ),
        (
            "clear = ['coupon']",
            "15: affiliation of \"ann\": coupon is both said and cleared",
        ),
        (
            "[orgs.acme.affiliates.bob]\nfirstname = 'B'\nlastname = 'B'\nclear = ['programs']",
            "18: affiliate \"bob\": programs cannot be cleared: what is in the database is left alone",
        ),
        (
            "[orgs.acme.programs.p]\ncurrency = 'EUR'\ntypes.standard.fixed = 1\nclear = ['hosts']",
            "18: program \"p\": hosts cannot be cleared: what is in the database is left alone",
        ),
    ]);
    assert_eq!(problems(&format!("{BASE}clear = ['asset_id']")), [""; 0]);
}

#[test]
fn secrets_are_in_no_message_and_no_debug_output() {
    let key = "hunter2-hunter2";
    let keys = format!(
        "[orgs.x]\nowner = {{ id = 'a', name = 'A' }}\nkeys.k = {{ key = '{key}', scopes = ['all'] }}\n"
    );
    let pixel = format!("pixel_keys.p.secret = '{key}'\n");
    let file = parse(&format!("{keys}{pixel}")).unwrap();
    assert!(!format!("{file:?}").contains(key));
    let twice = format!("{keys}keys.l = {{ key = '{key}', scopes = [] }}\npixel_keys.p = '{key}'\n");
    let error = parse(&twice).unwrap_err().to_string();
    assert!(error.contains("same as key") && !error.contains(key), "{error}");
}
