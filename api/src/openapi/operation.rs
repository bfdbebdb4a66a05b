//! One call of the service: its method, its path, what goes in and what comes out.

/// A call. Paths have the values of their examples inside: `/things/{id=42}/`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) query: &'static [Parameter],
    pub(super) body: Option<RequestBody>,
    pub(super) answer: Answer,
}

/// A query parameter with a value that works in the demo world; empty: none is worth showing.
pub(super) type Parameter = (&'static str, &'static str);

#[derive(Clone, Copy, Debug)]
pub(super) struct RequestBody {
    pub(super) example: &'static str,
    pub(super) required: &'static [&'static str],
    /// Fields that the example does not need, with values that tell their types: JSON.
    pub(super) optional: &'static str,
    pub(super) words: Words,
    pub(super) media: &'static str,
}

/// The words that fields may have.
pub(super) type Words = &'static [(&'static str, &'static [&'static str])];

/// The answer of success. Examples are JSON.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    One(&'static str),
    List(&'static str),
    /// 204
    Empty,
    /// Another media type.
    Media(&'static str),
}

impl Answer {
    /// Pictures are answered to failures, too.
    pub(super) fn is_picture(self) -> bool {
        matches!(self, Self::Media(PICTURE))
    }
}

/// A dialect, or the operators' calls.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) tag: &'static str,
    pub(super) about: &'static str,
    pub(super) key: Key,
    /// Statuses of failure, beyond those that all calls share.
    pub(super) failures: &'static [u16],
    pub(super) operations: &'static [&'static [Operation]],
}

impl Table {
    pub(super) fn operations(&self) -> impl Iterator<Item = &'static Operation> + use<> {
        self.operations.iter().copied().flatten()
    }
}

/// How a caller shows who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    None,
    Header(&'static str),
    /// Only some of the calls want it.
    MaybeBearer,
    /// `X-Api-Key` or Bearer.
    Either,
}

pub(super) const JSON: &str = "application/json";
pub(super) const PICTURE: &str = "image/gif";

pub(super) const fn get(path: &'static str, summary: &'static str) -> Operation {
    call("get", path, summary)
}

pub(super) const fn post(path: &'static str, summary: &'static str) -> Operation {
    call("post", path, summary)
}

const fn call(method: &'static str, path: &'static str, summary: &'static str) -> Operation {
    Operation {
        method,
        path,
        summary,
        query: &[],
        body: None,
        answer: Answer::Empty,
    }
}

impl Operation {
    pub(super) const fn query(self, query: &'static [Parameter]) -> Self {
        Self { query, ..self }
    }

    /// A JSON body with the fields that must be there.
    pub(super) const fn body(self, example: &'static str, required: &'static [&'static str]) -> Self {
        self.body_as(JSON, example, required)
    }

    pub(super) const fn body_as(
        self,
        media: &'static str,
        example: &'static str,
        required: &'static [&'static str],
    ) -> Self {
        let body = Some(RequestBody {
            example,
            required,
            optional: "{}",
            words: &[],
            media,
        });
        Self { body, ..self }
    }

    /// Further fields of the body, as a JSON object of examples.
    pub(super) const fn optional(self, optional: &'static str) -> Self {
        match self.body {
            Some(body) => Self {
                body: Some(RequestBody { optional, ..body }),
                ..self
            },
            None => self,
        }
    }

    /// Which words fields of the body may have.
    pub(super) const fn words(self, words: Words) -> Self {
        match self.body {
            Some(body) => Self {
                body: Some(RequestBody { words, ..body }),
                ..self
            },
            None => self,
        }
    }

    pub(super) const fn one(self, example: &'static str) -> Self {
        Self {
            answer: Answer::One(example),
            ..self
        }
    }

    pub(super) const fn list(self, example: &'static str) -> Self {
        Self {
            answer: Answer::List(example),
            ..self
        }
    }

    pub(super) const fn media(self, media: &'static str) -> Self {
        Self {
            answer: Answer::Media(media),
            ..self
        }
    }

    /// The path as a template, and the names and example values of its parameters.
    pub(super) fn template(&self) -> (String, Vec<Parameter>) {
        let (mut template, mut parameters) = (String::new(), Vec::new());
        let mut rest = self.path;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, after) = after.split_once('}').unwrap_or((after, ""));
            let (name, value) = inside.split_once('=').unwrap_or((inside, ""));
            template.push_str(before);
            template.push('{');
            template.push_str(name);
            template.push('}');
            parameters.push((name, value));
            rest = after;
        }
        template.push_str(rest);
        (template, parameters)
    }

    /// Whether it leaves an event behind, so that a 202 with a receipt is possible.
    pub(super) fn is_event(&self, table: &Table) -> bool {
        let records = matches!(table.tag, "yaplet" | "postback" | "affitor" | "affy" | "rest");
        let reads = self.method == "get" && table.tag != "postback" || self.path.ends_with("-test-events");
        records && !reads
    }

    /// Whether `Idempotency-Key` and `Prefer` count. A test chain is three events, for which one key cannot stand.
    pub(super) fn takes_preferences(&self, table: &Table) -> bool {
        let is_batch = self.method == "post" && self.path == "/v1/events";
        is_batch || self.is_event(table) && !self.path.ends_with("/test-event")
    }
}
