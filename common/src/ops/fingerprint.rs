//! What failures of the same cause have in common: the code, and what it is about. Of a dead event that is where and why it failed
//! (the constraint among it); of a refusal by attribution what the partner was looked for by; of another refusal its sentence
//! without the values.
//!
//! It is told when it is asked for, so that it holds for all that failed before, too. Here is SQL alone, on `events e` and
//! `event_failures f`.

/// Nothing that is sent is unescaped: what Postgres cannot keep in a text stays as it is written in JSON. Coupons are the same in
/// any case.
macro_rules! subject {
    () => {
        r#"CASE
    WHEN e.status = 'dead' THEN COALESCE(f.fingerprint, e.reason)
    WHEN e.reason IN ('unknown_partner', 'partner_not_approved', 'program_retired', 'window_expired') THEN COALESCE(
        'coupon ' || upper((e.body -> e.kind -> 'attribution' -> 'coupon')::text),
        'referral_code ' || (e.body -> e.kind -> 'attribution' -> 'referral_code')::text,
        'referral_code ' || (e.body -> e.kind -> 'referral_code')::text,
        'asset_id ' || (e.body -> e.kind -> 'attribution' -> 'asset_id')::text
            || ' source_id ' || COALESCE((e.body -> e.kind -> 'attribution' -> 'source_id')::text, 'none'),
        CASE WHEN (e.body -> e.kind -> 'attribution' -> 'click_id') IS NOT NULL
               OR (e.body -> e.kind -> 'attribution' -> 'tracking_id') IS NOT NULL
               OR (e.body -> e.kind -> 'attribution' -> 'session') IS NOT NULL
               OR (e.body -> e.kind -> 'click_ids') IS NOT NULL THEN 'a click or session' END,
        'nothing that names a partner')
    WHEN e.reason = 'unknown_commission_type' THEN COALESCE(e.outcome -> 'refused' ->> 'detail', '')
    ELSE regexp_replace(
        regexp_replace(COALESCE(e.outcome -> 'refused' ->> 'detail', ''), '"(\\.|[^"\\])*"', '"…"', 'g'),
        '[0-9]+([.,:-][0-9]+)*', '#', 'g')
    END"#
    };
}

/// The whole text.
macro_rules! fingerprint {
    () => {
        concat!("(e.reason || ': ' || ", crate::ops::fingerprint::subject!(), ")")
    };
}

/// A short name of it, to be typed.
macro_rules! group_id {
    () => {
        concat!(
            "left(encode(sha256(convert_to(",
            crate::ops::fingerprint::fingerprint!(),
            ", 'UTF8')), 'hex'), 8)"
        )
    };
}

pub(super) use {fingerprint, group_id, subject};
