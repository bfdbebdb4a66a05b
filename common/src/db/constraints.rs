//! Every constraint of the tenancy tables is violated once: the database defends itself.

use super::Pool;

const WORLD: &str = "
    INSERT INTO orgs (org_id, slug, title, client_id) VALUES (1, 'one', 'One', 1), (2, 'two', 'Two', 2);
    INSERT INTO programs (org_id, program_id, slug, title, currency, is_default)
    VALUES (1, 1, 'p', 'P', 'EUR', true), (1, 2, 'q', 'Q', 'EUR', false);
    INSERT INTO program_assets VALUES (1, 1, 'a');
    INSERT INTO affiliate_groups VALUES (1, 'g', 'G');
    INSERT INTO commission_types (org_id, program_id, identifier, title, form, value)
    VALUES (1, 1, 'standard', 'S', 'fixed', 1);
    INSERT INTO program_levels (org_id, program_id, level, title, percentage) VALUES (1, 1, 2, 'L', 5);
    INSERT INTO program_bonuses VALUES (1, 1, 'b', '{}');
    INSERT INTO bonus_recounts VALUES (1, 1, 'b', 1, '2026-11-01');
    INSERT INTO custom_fields VALUES (1, 'f', '{}');
    INSERT INTO affiliates (org_id, affiliate_id, slug, firstname, lastname)
    VALUES (1, 1, 'ann', 'A', 'A'), (1, 2, 'bob', 'B', 'B');
    INSERT INTO affiliations (org_id, program_id, affiliate_id, coupon, coupon_folded, referral_code, asset_id, source_id)
    VALUES (1, 1, 1, 'C', 'c', 'r', 'a', 's');
    INSERT INTO api_keys (org_id, key_id, key_hash, hint, name, scopes, owner, owner_id) OVERRIDING SYSTEM VALUE
    VALUES (1, 1, sha256('k'), '', '', '{read}', '', '');
    INSERT INTO pixel_keys (org_id, pixel_key, secret) VALUES (1, 'x', 's');
    INSERT INTO affiliate_groups VALUES (1, 'h', 'H');
    INSERT INTO program_terms (org_id, program_id, cookie_time, recurring, approval, default_type)
    VALUES (1, 1, 45, true, 'manual', 'standard');
    INSERT INTO affiliation_rates (org_id, program_id, affiliate_id, ignore_product_rate) VALUES (1, 1, 1, false);
    INSERT INTO group_memberships (org_id, affiliate_id, group_id) VALUES (1, 1, 'g');
    INSERT INTO affiliate_notes (org_id, note_id, affiliate_id, message, owner, owner_id, created_at) OVERRIDING SYSTEM VALUE
    VALUES (1, 1, 1, '', '', '', now());
    INSERT INTO payout_methods VALUES (1, 1, 'paypal', '{}', true, now()), (1, 1, 'bank', '{}', false, now());
    INSERT INTO prospects (org_id, prospect_id, slug, program_id, group_id, firstname, lastname, email, referral_code,
                           signup_source, created_at) OVERRIDING SYSTEM VALUE
    VALUES (1, 1, 'pia', 1, 'g', '', '', 'p@x', 'r1', '', now()), (1, 2, 'pit', 1, 'g', '', '', 'q@x', 'r2', '', now());";

const VIOLATIONS: &[(&str, &str)] = &[
    ("catalog_versions_pkey", "INSERT INTO catalog_versions VALUES (1, 1)"),
    ("settings_pkey", "INSERT INTO settings VALUES ('receipt_secret', '')"),
    ("orgs_pkey", "INSERT INTO orgs (org_id, slug, title) VALUES (1, 'new', '')"),
    ("orgs_slug_key", "INSERT INTO orgs (org_id, slug, title) VALUES (9, 'one', '')"),
    ("orgs_client_id_key", "UPDATE orgs SET client_id = 1 WHERE org_id = 2"),
    (
        "programs_pkey",
        "INSERT INTO programs (org_id, program_id, slug, title, currency) VALUES (1, 1, 'new', '', 'EUR')",
    ),
    ("programs_slug_key", "UPDATE programs SET slug = 'p' WHERE program_id = 2"),
    ("programs_org_fkey", "INSERT INTO programs (org_id, slug, title, currency) VALUES (9, 'n', '', 'EUR')"),
    ("programs_currency_check", "UPDATE programs SET currency = 'eur'"),
    ("programs_cookie_time_check", "UPDATE programs SET cookie_time = -1"),
    ("programs_approval_check", "UPDATE programs SET approval = 'later'"),
    ("programs_hold_check", "UPDATE programs SET hold_days = 3"),
    ("programs_default_key", "UPDATE programs SET is_default = true"),
    ("program_assets_pkey", "INSERT INTO program_assets VALUES (1, 1, 'a')"),
    ("program_assets_program_fkey", "INSERT INTO program_assets VALUES (2, 1, 'a')"),
    ("affiliate_groups_pkey", "INSERT INTO affiliate_groups VALUES (1, 'g', '')"),
    ("affiliate_groups_org_fkey", "INSERT INTO affiliate_groups VALUES (9, 'g', '')"),
    ("commission_types_pkey", "INSERT INTO commission_types SELECT * FROM commission_types"),
    ("commission_types_program_fkey", "UPDATE commission_types SET org_id = 2"),
    ("commission_types_form_check", "UPDATE commission_types SET form = 'both'"),
    ("commission_types_value_check", "UPDATE commission_types SET value = -1"),
    ("commission_types_recurrence_check", "UPDATE commission_types SET recurrence = 'daily'"),
    ("program_levels_pkey", "INSERT INTO program_levels SELECT * FROM program_levels"),
    ("program_levels_program_fkey", "UPDATE program_levels SET org_id = 2"),
    ("program_levels_level_check", "UPDATE program_levels SET level = 1"),
    ("program_levels_percentage_check", "UPDATE program_levels SET percentage = -1"),
    ("bonus_recounts_pkey", "INSERT INTO bonus_recounts SELECT * FROM bonus_recounts"),
    ("program_bonuses_pkey", "INSERT INTO program_bonuses SELECT * FROM program_bonuses"),
    ("program_bonuses_program_fkey", "UPDATE program_bonuses SET org_id = 2"),
    ("custom_fields_pkey", "INSERT INTO custom_fields SELECT * FROM custom_fields"),
    ("custom_fields_org_fkey", "UPDATE custom_fields SET org_id = 9"),
    ("affiliates_pkey", "UPDATE affiliates SET affiliate_id = 1 WHERE affiliate_id = 2"),
    ("affiliates_slug_key", "UPDATE affiliates SET slug = 'ann' WHERE affiliate_id = 2"),
    ("affiliates_org_fkey", "UPDATE affiliates SET org_id = 9 WHERE affiliate_id = 2"),
    ("affiliates_group_fkey", "UPDATE affiliates SET group_id = 'none'"),
    ("affiliates_parent_fkey", "UPDATE affiliates SET parent_id = 9"),
    ("affiliates_parent_check", "UPDATE affiliates SET parent_id = 1 WHERE affiliate_id = 1"),
    ("affiliations_pkey", "INSERT INTO affiliations SELECT * FROM affiliations"),
    (
        "affiliations_coupon_key",
        "INSERT INTO affiliations (org_id, program_id, affiliate_id, coupon, coupon_folded) VALUES (1, 2, 2, 'c', 'c')",
    ),
    (
        "affiliations_referral_code_key",
        "INSERT INTO affiliations (org_id, program_id, affiliate_id, referral_code) VALUES (1, 2, 2, 'r')",
    ),
    (
        "affiliations_source_key",
        "INSERT INTO affiliations (org_id, program_id, affiliate_id, asset_id, source_id) VALUES (1, 2, 2, 'a', 's')",
    ),
    ("affiliations_program_fkey", "UPDATE affiliations SET program_id = 9"),
    ("affiliations_affiliate_fkey", "UPDATE affiliations SET affiliate_id = 9"),
    ("affiliations_coupon_check", "UPDATE affiliations SET coupon = NULL"),
    ("affiliations_own_rate_check", "UPDATE affiliations SET own_rate_form = 'fixed'"),
    ("program_terms_pkey", "INSERT INTO program_terms SELECT * FROM program_terms"),
    ("program_terms_program_fkey", "UPDATE program_terms SET program_id = 9"),
    ("program_terms_cookie_time_check", "UPDATE program_terms SET cookie_time = -1"),
    ("program_terms_approval_check", "UPDATE program_terms SET approval = 'later'"),
    ("program_terms_hold_check", "UPDATE program_terms SET hold_days = 3"),
    ("affiliation_rates_pkey", "INSERT INTO affiliation_rates SELECT * FROM affiliation_rates"),
    ("affiliation_rates_program_fkey", "UPDATE affiliation_rates SET program_id = 9"),
    ("affiliation_rates_affiliate_fkey", "UPDATE affiliation_rates SET affiliate_id = 9"),
    ("affiliation_rates_rate_check", "UPDATE affiliation_rates SET own_rate_form = 'fixed'"),
    ("group_memberships_pkey", "INSERT INTO group_memberships SELECT * FROM group_memberships"),
    ("group_memberships_affiliate_fkey", "UPDATE group_memberships SET affiliate_id = 9"),
    ("group_memberships_group_fkey", "UPDATE group_memberships SET group_id = 'none'"),
    (
        "api_keys_pkey",
        "INSERT INTO api_keys (org_id, key_id, key_hash, hint, name, scopes, owner, owner_id) OVERRIDING SYSTEM VALUE
         VALUES (1, 1, sha256('l'), '', '', '{read}', '', '')",
    ),
    (
        "api_keys_hash_key",
        "INSERT INTO api_keys (org_id, key_hash, hint, name, scopes, owner, owner_id)
         VALUES (2, sha256('k'), '', '', '{read}', '', '')",
    ),
    ("api_keys_org_fkey", "UPDATE api_keys SET org_id = 9"),
    ("api_keys_program_fkey", "UPDATE api_keys SET program_id = 9"),
    ("orgs_events_per_minute_check", "UPDATE orgs SET events_per_minute = 0"),
    ("orgs_events_under_way_check", "UPDATE orgs SET events_under_way = 0"),
    ("api_keys_hash_check", "UPDATE api_keys SET key_hash = ''"),
    ("api_keys_rate_check", "UPDATE api_keys SET rate_per_minute = 0"),
    ("api_keys_repeats_check", "UPDATE api_keys SET repeats = 'last'"),
    ("api_keys_scopes_check", "UPDATE api_keys SET scopes = '{}'"),
    ("api_keys_scopes_check", "UPDATE api_keys SET scopes = '{all}'"),
    ("pixel_keys_pkey", "INSERT INTO pixel_keys SELECT * FROM pixel_keys"),
    ("pixel_keys_key_key", "INSERT INTO pixel_keys (org_id, pixel_key, secret) VALUES (2, 'x', '')"),
    ("pixel_keys_org_fkey", "UPDATE pixel_keys SET org_id = 9"),
    (
        "customer_programs_pkey",
        "INSERT INTO customer_programs SELECT 1, 1, 2, 1, NULL, true, 0, NULL, false, gen_random_uuid(), now() FROM generate_series(1, 2)",
    ),
    ("affiliate_groups_number_key", "UPDATE affiliate_groups SET number = 1 WHERE number > 1"),
    ("affiliate_notes_pkey", "INSERT INTO affiliate_notes OVERRIDING SYSTEM VALUE SELECT * FROM affiliate_notes"),
    ("affiliate_notes_affiliate_fkey", "UPDATE affiliate_notes SET affiliate_id = 9"),
    ("payout_methods_pkey", "INSERT INTO payout_methods VALUES (1, 1, 'paypal', '{}', false, now())"),
    ("payout_methods_affiliate_fkey", "UPDATE payout_methods SET affiliate_id = 9"),
    ("payout_methods_primary_key", "UPDATE payout_methods SET is_primary = true"),
    ("prospects_pkey", "INSERT INTO prospects OVERRIDING SYSTEM VALUE SELECT * FROM prospects"),
    ("prospects_slug_key", "UPDATE prospects SET slug = 'pia'"),
    ("prospects_referral_code_key", "UPDATE prospects SET referral_code = 'r1'"),
    ("prospects_email_key", "UPDATE prospects SET email = 'P@X' WHERE prospect_id = 2"),
    ("prospects_program_fkey", "UPDATE prospects SET program_id = 9"),
    ("prospects_group_fkey", "UPDATE prospects SET group_id = 'none'"),
    ("prospects_promotion_check", "UPDATE prospects SET promoted_at = now()"),
    ("idempotent_answers_pkey", "INSERT INTO idempotent_answers SELECT 1, 'k', '', 200, NULL, now() FROM generate_series(1, 2)"),
    (
        "rejections_pkey",
        "INSERT INTO rejections SELECT 1, '', '', '', '', '', '', '{}', 1, now(), now() FROM generate_series(1, 2)",
    ),
    ("audit_heads_pkey", "INSERT INTO audit_heads SELECT 1, 0, '' FROM generate_series(1, 2)"),
    ("audit_entries_pkey", "INSERT INTO audit_entries SELECT 1, 1, now(), 'cli', '', NULL, NULL, NULL, '', '', NULL, NULL, sha256('') FROM generate_series(1, 2)"),
    ("audit_entries_actor_check", "INSERT INTO audit_entries VALUES (1, 1, now(), 'x', '', NULL, NULL, NULL, '', '', NULL, NULL, sha256(''))"),
    ("audit_entries_entry_check", "INSERT INTO audit_entries VALUES (1, 0, now(), 'cli', '', NULL, NULL, NULL, '', '', NULL, NULL, sha256(''))"),
    ("audit_entries_hash_check", "INSERT INTO audit_entries VALUES (1, 1, now(), 'cli', '', NULL, NULL, NULL, '', '', NULL, NULL, '')"),
];

#[sqlx::test(migrator = "crate::db::MIGRATOR")]
async fn every_constraint_of_the_tenancy_tables_holds(pool: Pool) {
    sqlx::raw_sql(WORLD).execute(&pool).await.unwrap();
    for (constraint, statement) in VIOLATIONS {
        let error = sqlx::query(*statement)
            .execute(&pool)
            .await
            .expect_err(constraint);
        assert_eq!(
            error.as_database_error().and_then(|error| error.constraint()),
            Some(*constraint)
        );
    }
    let (unviolated,): (Vec<String>,) = sqlx::query_as(
        "SELECT coalesce(array_agg(conname::text), '{}') FROM pg_constraint
         WHERE conrelid = ANY ('{settings, orgs, programs, program_assets, affiliate_groups, commission_types,
                program_levels, program_bonuses, bonus_recounts, custom_fields, program_terms, affiliation_rates, group_memberships, affiliates, affiliations, api_keys, pixel_keys,
                affiliate_notes, payout_methods, prospects, customer_programs,
                idempotent_answers, audit_heads, audit_entries}'::regclass[])
            AND contype IN ('c', 'f', 'p', 'u') AND conname <> ALL ($1)",
    )
    .bind(VIOLATIONS.iter().map(|(constraint, _)| *constraint).collect::<Vec<_>>())
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(unviolated, [""; 0]);
}
