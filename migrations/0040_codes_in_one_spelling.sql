-- Coupons and referral codes are one in all spellings of Unicode, and coupons without signs that nobody sees. Where another has the
-- spelling already, or two would get it, they keep their own and are found by it no more: an operator renames them.

SET LOCAL lock_timeout = '2s';
WITH folded AS (
    SELECT org_id, program_id, affiliate_id,
           normalize(regexp_replace(coupon_folded, '[\u00ad\u034f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]', '', 'g'), NFC) AS coupon
    FROM affiliations WHERE coupon_folded IS NOT NULL),
one AS (
    SELECT org_id, coupon, min(program_id) AS program_id, min(affiliate_id) AS affiliate_id
    FROM folded GROUP BY org_id, coupon HAVING count(*) = 1)
UPDATE affiliations a SET coupon_folded = one.coupon
FROM one
WHERE (a.org_id, a.program_id, a.affiliate_id) = (one.org_id, one.program_id, one.affiliate_id)
  AND a.coupon_folded <> one.coupon AND one.coupon <> '';

WITH one AS (
    SELECT org_id, normalize(referral_code, NFC) AS code, min(program_id) AS program_id, min(affiliate_id) AS affiliate_id
    FROM affiliations WHERE referral_code IS NOT NULL
    GROUP BY org_id, normalize(referral_code, NFC) HAVING count(*) = 1)
UPDATE affiliations a SET referral_code = one.code
FROM one
WHERE (a.org_id, a.program_id, a.affiliate_id) = (one.org_id, one.program_id, one.affiliate_id) AND a.referral_code <> one.code;
