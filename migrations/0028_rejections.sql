-- Requests that were turned away before they became events: the last of each kind, so that nothing is lost unseen.

CREATE TABLE rejections (
    org_id   bigint NOT NULL,
    dialect  text   NOT NULL,
    method   text   NOT NULL,
    route    text   NOT NULL,
    reason   text   NOT NULL,
    field    text   NOT NULL,
    message  text   NOT NULL,
    sample   jsonb  NOT NULL,
    count    bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at  timestamptz NOT NULL,
    CONSTRAINT rejections_pkey PRIMARY KEY (org_id, dialect, method, route, reason, field)
);
COMMENT ON TABLE rejections IS
    'Requests without an event, grouped. At most 200 groups an organisation: the one that was seen last the longest ago goes first.';
COMMENT ON COLUMN rejections.route IS 'The pattern of the path; empty: no call is there.';
COMMENT ON COLUMN rejections.field IS 'What was wrong in the request; empty: no field of it.';
COMMENT ON COLUMN rejections.sample IS 'The fields of the last such request. Only the value of the wrong one is kept, and not if it is personal.';
