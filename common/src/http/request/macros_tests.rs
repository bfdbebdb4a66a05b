//! Tests of what is told to be a macro.

use super::*;

/// What nobody has filled in.
const MACROS: &[&str] = &[
    "{order_id}",
    "ORD-{order_id}",
    "${amount}",
    "{{ORDER.ID}}",
    "${conversion.click.meta_data[subid1]}",
    "%7Border_id%7D",
    "x%7bsub1%7dy",
    "%7B%7B%20order_id%20%7D%7D",
    "#s1#",
    "{{ checkout.order_id }}",
    "{{ order_id }}",
    "${ order_id }",
    "{order-id}",
    "{order id}",
    "{$order_id}",
    "{!order_id}",
    "{{order.id|raw}}",
    "{{ order.id | default: \"none\" }}",
    "{{order['id']}}",
    "{{ orderId() }}",
    "{ORDER-ID}",
    "{commande_cr\u{e9}\u{e9}e}",
    "{0}",
    "[order_id]",
    "[ORDER ID]",
    "[[order_id]]",
    "[[[[external id]]]]",
    "[%order_id%]",
    "[% order.id %]",
    "%%ORDER%%",
    "%ORDER%",
    "%%=v(@OrderId)=%%",
    "__ORDER__",
    "___ORDER_ID___",
    "##order##",
    "#ORDER_ID#",
    "$ORDER_ID$",
    "$order_id",
    "$order->id",
    "$orderId",
    "ORD-$order_id",
    "*|ORDER|*",
    "~Order.Id~",
    "~~order~~",
    "!!!id!!!",
    "!order_id!",
    "@@order@@",
    "@Model.OrderId",
    ":order_id",
    "%s",
    "%1$s",
    "%d",
    "<%= order.id %>",
    "<?php echo $order->id; ?>",
    "<?= $id ?>",
    "<ORDER_ID>",
    "<order id>",
    "\u{ab}OrderID\u{bb}",
    "-order_id-",
    "_ORDER_ID_",
    "$(order_id)",
    "#{order.id}",
    "{% order.id %}",
    "ORD-[order_id]",
    "shop-%%ORDER_ID%%",
    "shop__order_id__",
    "[order_id]-x",
    "%5Border_id%5D",
    "%25%25ORDER%25%25",
    "%5B%5Border_id%5D%5D",
    "[s1]",
    "[aff_sub2]",
    "[timestamp]",
];

/// What is an id all the same.
const IDS: &[&str] = &[
    "ORD-1",
    "#1001",
    "#1001#",
    "{}",
    "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
    "{CF2504E0-4F89-11D3-9A0C-0305E82C3301}",
    "}order_id{",
    "100%",
    "{\"a\":1}",
    "{ \"a\": {\"b\": \"c d\"} }",
    "{ }",
    "{,}",
    "{3f2504e0-4f89-11d3-9a0c-0305e82c3301}-x",
    "A[1]B",
    "ORD[B]",
    "[ORD-1001]",
    "[1001]",
    "<1001>",
    "1001-[order_id]",
    "A__B__C",
    "__17__",
    "ORD__2024__A",
    "A%%B%%C",
    "%%1001%%",
    "%41",
    "50%",
    "100%off",
    "_aBcDeFgHiJ_",
    "-abc-",
    "-K_x9",
    "(A)",
    "@john",
    "$1001",
    "a$b",
    "O'Brien*",
    "A&B;",
    "~17~",
    "AB12__",
    "x:order",
    "#A1001#",
];

#[test]
fn macros_are_told_from_ids() {
    let long = format!("{{{}}}", "x".repeat(MAX_MACRO_NAME + 1));
    for text in MACROS {
        assert!(contains_macro(text), "{text}");
    }
    for text in IDS.iter().copied().chain([long.as_str()]) {
        assert!(!contains_macro(text), "{text}");
    }
}

#[test]
fn in_prose_only_a_lone_macro_counts() {
    for text in [
        "{note}",
        " ${note} ",
        "{{note}}",
        "{{ note }}",
        "%7Bnote%7D",
        "#note#",
        "[order_id]",
        "%%EMAIL%%",
        "*|CUSTOMER|*",
        "__ORDER__",
    ] {
        assert!(is_macro(text), "{text}");
    }
    for text in [
        "see {note}",
        "{note} was left",
        "use {a} or {b}",
        "{0}",
        "{very good}",
        "{note-1}",
        "{\"a\":\"{b}\"}",
        "#1#",
        "100%",
        "[sic]",
        "(none)",
        "__init__",
        "<b>new</b>",
    ] {
        assert!(!is_macro(text), "{text}");
    }
}
