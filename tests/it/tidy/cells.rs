//! The map of docs/ARCHITECTURE.md: each folder with what it must never do, as rules.

/// A row of the map.
pub(super) struct Cell {
    pub(super) folder: &'static str,
    /// As the map says it.
    pub(super) must_never: &'static str,
    pub(super) rules: &'static [Rule],
}

/// What the product code of a folder may not name. A path `a::b` means all that begins with it, `..b::c` all that has it inside.
pub(super) enum Rule {
    /// These paths.
    Never(&'static [&'static str]),
    /// Of what begins with the first path only these, and what the folder itself has.
    Only(&'static str, &'static [&'static str]),
    /// Of other people's crates only these, and the standard library.
    Libraries(&'static [&'static str]),
    /// Its statements change no row.
    ReadsOnly,
    /// The rule holds for all files but these.
    Except(&'static [&'static str], &'static Rule),
}

const CLOCKS: Rule = Rule::Never(&[
    "..Utc::now",
    "..Local::now",
    "std::time::SystemTime",
    "std::time::Instant",
]);
const DATABASE_OR_BROKER: Rule = Rule::Never(&["sqlx", "lapin"]);
const BROKER_OR_HTTP: Rule = Rule::Never(&["lapin", "axum"]);
/// Bodies are read in `common::http::request` alone, which bounds their time and their memory.
const BODIES: Rule = Rule::Never(&[
    "axum::body::Bytes",
    "axum::body::to_bytes",
    "axum::extract::DefaultBodyLimit",
    "axum::extract::rejection::BytesRejection",
    "axum::extract::rejection::JsonRejection",
]);
/// What tables and queues need.
const STORES: Rule = Rule::Only(
    "common",
    &[
        "common::domain",
        "common::message",
        "common::runtime",
        "common::telemetry",
    ],
);
/// What those need who apply many events in batches.
const OF_BATCHES: Rule = Rule::Only(
    "common",
    &[
        "common::apply",
        "common::bulk",
        "common::db",
        "common::domain",
        "common::message",
        "common::telemetry",
    ],
);

pub(super) const MAP: &[Cell] = &[
    Cell {
        folder: "common/src/domain",
        must_never: "be async, read a clock, do I/O, name another module",
        rules: &[
            Rule::Only("common", &[]),
            CLOCKS,
            Rule::Never(&[
                "async",
                "std::env",
                "std::fs",
                "std::io",
                "std::net",
                "std::process",
                "std::thread",
            ]),
            Rule::Libraries(&[
                "chrono",
                // Ids of traces are hexadecimal digits.
                "hex",
                "iso_currency",
                // Products of amounts have more digits than a decimal.
                "num_bigint",
                "rust_decimal",
                // Names of countries.
                "rust_iso3166",
                "serde",
                "serde_json",
                "sqids",
                "strum",
                "thiserror",
                // Spellings of codes.
                "unicode_normalization",
                // What the api says of the domain's types is derived beside them.
                "utoipa",
                "uuid",
            ]),
        ],
    },
    Cell {
        folder: "common/src/message",
        must_never: "know a database or a broker",
        rules: &[
            Rule::Only("common", &["common::domain"]),
            DATABASE_OR_BROKER,
            Rule::Never(&["async", "tokio"]),
        ],
    },
    Cell {
        folder: "common/src/db",
        must_never: "know who calls it; name the broker",
        rules: &[STORES, Rule::Never(&["lapin", "axum"])],
    },
    Cell {
        folder: "common/src/queue",
        must_never: "name the database; know events inside `amqp`",
        rules: &[STORES, Rule::Never(&["sqlx", "axum"])],
    },
    Cell {
        folder: "common/src/queue/amqp",
        must_never: "know events",
        rules: &[Rule::Only("common", &["common::runtime", "common::telemetry"])],
    },
    Cell {
        folder: "common/src/apply",
        must_never: "retry, acknowledge, answer",
        rules: &[
            Rule::Only("common", &["common::db", "common::domain", "common::message"]),
            DATABASE_OR_BROKER,
            Rule::Never(&["tokio"]),
        ],
    },
    Cell {
        folder: "common/src/bulk",
        must_never: "write a table itself; name the broker or HTTP",
        rules: &[OF_BATCHES, Rule::ReadsOnly, BROKER_OR_HTTP],
    },
    Cell {
        folder: "common/src/approval",
        must_never: "write a table itself; name the broker or HTTP",
        rules: &[OF_BATCHES, Rule::ReadsOnly, BROKER_OR_HTTP],
    },
    Cell {
        folder: "common/src/recalculation",
        must_never: "write a table itself; name the broker or HTTP",
        // A preview supposes rules.
        rules: &[
            Rule::Except(&["common/src/recalculation/recalculate.rs"], &OF_BATCHES),
            Rule::ReadsOnly,
            BROKER_OR_HTTP,
        ],
    },
    Cell {
        folder: "common/src/rejections",
        must_never: "hold a request up; keep what was sent",
        rules: &[
            Rule::Only(
                "common",
                &["common::db", "common::domain", "common::http", "common::runtime"],
            ),
            DATABASE_OR_BROKER,
        ],
    },
    Cell {
        folder: "common/src/reads",
        must_never: "write",
        rules: &[
            Rule::ReadsOnly,
            Rule::Only(
                "common",
                &[
                    "common::db",
                    "common::domain",
                    "common::message",
                    "common::tapfiliate_json",
                ],
            ),
            Rule::Never(&["lapin", "axum"]),
        ],
    },
    Cell {
        folder: "common/src/ops",
        must_never: "change an applied event; name the broker or HTTP",
        rules: &[
            Rule::Only(
                "common",
                &[
                    "common::db",
                    "common::domain",
                    "common::message",
                    "common::reads",
                    "common::telemetry",
                ],
            ),
            Rule::Never(&["lapin", "axum"]),
        ],
    },
    Cell {
        folder: "common/src/catalog",
        must_never: "write money; name the broker or HTTP",
        rules: &[
            Rule::Only("common", &["common::db", "common::domain", "common::runtime"]),
            Rule::Never(&["lapin", "axum"]),
        ],
    },
    Cell {
        folder: "common/src/http",
        must_never: "know a table or an event",
        rules: &[
            Rule::Only(
                "common",
                &["common::domain", "common::runtime", "common::telemetry"],
            ),
            DATABASE_OR_BROKER,
        ],
    },
    Cell {
        folder: "common/src/keyring",
        must_never: "let a request with a known key wait for the database",
        rules: &[
            Rule::Only(
                "common",
                &[
                    "common::db",
                    "common::domain",
                    "common::http",
                    "common::telemetry",
                ],
            ),
            DATABASE_OR_BROKER,
        ],
    },
    Cell {
        folder: "common/src/tapfiliate_json",
        must_never: "know a database or HTTP",
        rules: &[
            Rule::Only("common", &["common::domain"]),
            DATABASE_OR_BROKER,
            Rule::Never(&["axum"]),
        ],
    },
    Cell {
        folder: "common/src/runtime",
        must_never: "know what the product does",
        rules: &[Rule::Only("common", &["common::telemetry"]), DATABASE_OR_BROKER],
    },
    Cell {
        folder: "common/src/health",
        must_never: "change an event, or stand in the way of one",
        rules: &[
            Rule::Only(
                "common",
                &[
                    "common::db",
                    "common::queue::amqp",
                    "common::runtime",
                    "common::telemetry",
                ],
            ),
            DATABASE_OR_BROKER,
            Rule::ReadsOnly,
        ],
    },
    Cell {
        folder: "common/src/telemetry",
        must_never: "know what the product does, but for what is counted and traced",
        rules: &[
            Rule::Only(
                "common",
                &[
                    "common::domain::Decision",
                    "common::domain::Dialect",
                    "common::domain::Outcome",
                    "common::domain::Reason",
                    "common::domain::RowWrite",
                    "common::domain::TraceParent",
                    "common::runtime",
                ],
            ),
            DATABASE_OR_BROKER,
        ],
    },
    Cell {
        folder: "ingest",
        must_never: "decide about money; use the database on the request path",
        rules: &[
            BODIES,
            Rule::Never(&[
                "common::apply",
                "common::reads",
                "common::catalog",
                "common::domain::decide",
                "common::domain::World",
            ]),
            // What fetches keys, writes the overflow and fetches outcomes, each behind the requests.
            Rule::Except(
                &[
                    "ingest/src/pipeline/parts.rs",
                    "ingest/src/pipeline/publisher.rs",
                    "ingest/src/pipeline/reader.rs",
                ],
                &Rule::Only(
                    "common::db",
                    &[
                        "common::db::keys::ApiKey",
                        "common::db::keys::Client",
                        "common::db::keys::PixelKey",
                        "common::db::keys::Scope",
                        "common::db::keys::Timezone",
                    ],
                ),
            ),
        ],
    },
    Cell {
        folder: "worker",
        must_never: "hold rules of money",
        rules: &[
            // The numbers of money.
            Rule::Never(&["rust_decimal", "iso_currency"]),
            Rule::Only(
                "common::domain",
                &[
                    "common::domain::BonusDue",
                    "common::domain::Body::Scheduled",
                    "common::domain::CommissionId",
                    "common::domain::Decision",
                    "common::domain::Dialect",
                    "common::domain::Event",
                    "common::domain::EventId",
                    "common::domain::Incoming",
                    "common::domain::OrgId",
                    "common::domain::Outcome",
                    "common::domain::Repetition",
                    "common::domain::Scheduled",
                    "common::domain::Repetition",
                    "common::domain::RowWrite",
                    "common::domain::entities::Schedule",
                    "common::domain::entities::ScheduleKind",
                ],
            ),
        ],
    },
    Cell {
        folder: "api",
        must_never: "write money except through `common::apply`, in its own transaction, as an event like any other",
        rules: &[
            BODIES,
            Rule::Only(
                "common::db",
                &[
                    "common::db::Connection",
                    "common::db::DbError",
                    "common::db::FailureClass",
                    "common::db::Pool",
                    "common::db::Transaction",
                    "common::db::audit",
                    "common::db::begin",
                    "common::db::commit",
                    "common::db::idempotent_answers",
                    "common::db::in_transaction",
                    "common::db::keys",
                ],
            ),
        ],
    },
    Cell {
        folder: "cli",
        must_never: "hold logic that a role needs",
        rules: &[],
    },
];
