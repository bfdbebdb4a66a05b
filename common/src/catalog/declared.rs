//! What of a file laid over what is known is the file's own: the things that only stood around it are left out again, and the free
//! data of affiliates is what is stored with what the file says of it.

use std::{collections::HashMap, ops::Range};

use serde_json::{Map, Value};

use super::{file::CatalogFile, known::KnownOrgs, problem::KNOWN};

impl CatalogFile {
    /// Leaves out the things that only stood around what the file declares.
    pub(super) fn keep_declared(&mut self) {
        let is = |span: Range<usize>| span != KNOWN;
        for org in &mut self.orgs {
            org.groups.retain(|group| is(group.id.span()));
            org.custom_fields.retain(|field| is(field.id.span()));
            org.programs.retain(|program| is(program.id.span()));
            org.affiliates.retain(|affiliate| is(affiliate.id.span()));
            org.keys.retain(|key| is(key.name.span()));
            org.pixel_keys.retain(|key| is(key.id.span()));
            for program in &mut org.programs {
                program.hosts.retain(|host| is(host.span()));
                program.assets.retain(|asset| is(asset.span()));
                program.types.retain(|rule| is(rule.id.span()));
                program.levels.retain(|level| is(level.id.span()));
                program.bonuses.retain(|bonus| is(bonus.id.span()));
            }
            for affiliate in &mut org.affiliates {
                affiliate.affiliations.retain(|part| is(part.program.span()));
            }
        }
    }

    /// Lays the free data of affiliates over what is stored, property by property.
    pub(super) fn keep_free_data(&mut self, known: &KnownOrgs) {
        for org in &mut self.orgs {
            let Some(known) = known.get(org.id.get_ref()) else {
                continue;
            };
            let by_id: HashMap<_, _> = known
                .affiliates
                .iter()
                .map(|one| (one.id.as_str(), one))
                .collect();
            for affiliate in &mut org.affiliates {
                let Some(known) = by_id.get(affiliate.id.get_ref().as_str()) else {
                    continue;
                };
                let profile = &mut affiliate.profile;
                let [clears_meta_data, clears_custom_fields] = profile.clears;
                if !clears_meta_data {
                    profile.meta_data = laid(&known.meta_data, &profile.meta_data);
                }
                if !clears_custom_fields {
                    let declared = profile.custom_fields.take().unwrap_or_default();
                    let fields = laid(&known.custom_fields, &declared);
                    profile.custom_fields = (!fields.is_empty()).then_some(fields);
                }
            }
        }
    }
}

/// `over` laid over `under`.
fn laid(under: &Map<String, Value>, over: &Map<String, Value>) -> Map<String, Value> {
    let mut laid = under.clone();
    laid.extend(over.iter().map(|(key, value)| (key.clone(), value.clone())));
    laid
}
