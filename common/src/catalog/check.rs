//! What the things of a file must be to each other: known, unique where the database wants it, and no one's own parent.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use toml::Spanned;

use super::{
    fields::Id,
    file::{Affiliate, Affiliation, CatalogFile, Org, Program},
    problem::{KNOWN, Problems, declared_at},
};

pub(super) fn check(file: &CatalogFile, problems: &Problems<'_>) {
    check_across_orgs(file, problems);
    for org in &file.orgs {
        check_programs(org, problems);
        check_keys(org, problems);
        check_affiliates(org, problems);
        check_parents(org, problems);
        check_codes(org, problems);
    }
}

/// A set of values of which each may be used once.
#[derive(Default)]
struct Once<'a>(HashMap<String, &'a str>);

impl<'a> Once<'a> {
    /// Who used `value` before; else `owner` is noted.
    fn taken(&mut self, value: String, owner: &'a str) -> Option<&'a str> {
        match self.0.entry(value) {
            std::collections::hash_map::Entry::Occupied(taken) => Some(*taken.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(owner);
                None
            }
        }
    }
}

fn check_across_orgs(file: &CatalogFile, problems: &Problems<'_>) {
    let (mut clients, mut keys, mut pixels) = (Once::default(), Once::default(), Once::default());
    let mut hosts = Once::default();
    for org in &file.orgs {
        for program in &org.programs {
            // One that is in the database moves to whoever declares it.
            for host in program.hosts.iter().filter(|host| host.span() != KNOWN) {
                if let Some(other) = hosts.taken(host.get_ref().clone(), program.id.get_ref()) {
                    let message = format!(
                        "program {:?}: host {:?} is already one of program {other:?}",
                        program.id.get_ref(),
                        host.get_ref()
                    );
                    problems.add(&Spanned::span(host), message);
                }
            }
        }
        if let Some(id) = &org.client_id
            && let Some(other) = clients.taken(id.get_ref().to_string(), org.id.get_ref())
        {
            let message = format!(
                "org {:?}: client_id is already the one of org {other:?}",
                org.id.get_ref()
            );
            problems.add(&id.span(), message);
        }
        // What could not be read has no hash, and is noted already.
        for key in org.keys.iter().filter(|key| !key.hash.is_empty()) {
            if let Some(other) = keys.taken(key.hash.clone(), key.name.get_ref()) {
                let message = format!("key {:?} is the same as key {other:?}", key.name.get_ref());
                problems.add(&key.name.span(), message);
            }
        }
        for pixel in &org.pixel_keys {
            if let Some(other) = pixels.taken(pixel.id.get_ref().clone(), org.id.get_ref()) {
                let message = format!(
                    "pixel key {:?} is already one of org {other:?}",
                    pixel.id.get_ref()
                );
                problems.add(&pixel.id.span(), message);
            }
        }
    }
}

fn check_programs(org: &Org, problems: &Problems<'_>) {
    let groups = ids(org.groups.iter().map(|group| &group.id));
    let mut default = None;
    for program in &org.programs {
        if program.is_default
            && let Some(other) = default.replace(program.id.get_ref())
        {
            let message = format!(
                "program {:?}: program {other:?} is the default already",
                program.id.get_ref()
            );
            problems.add(&program.id.span(), message);
        }
        check_rules(program, &groups, problems);
    }
}

fn check_rules(program: &Program, groups: &HashSet<&str>, problems: &Problems<'_>) {
    let what = format!("program {:?}", program.id.get_ref());
    let types = ids(program.types.iter().map(|rule| &rule.id));
    if !types.contains(program.default_type.get_ref().as_str()) {
        let message = format!(
            "{what}: default_type {:?} is none of its types",
            program.default_type.get_ref()
        );
        let span = declared_at(&program.default_type.span(), &program.id.span());
        problems.missing(&span, message);
    }
    for rule in &program.types {
        if rule.retired && rule.id.get_ref() == program.default_type.get_ref() {
            let message = format!(
                "{what}: default_type {:?} is retired: name another",
                rule.id.get_ref()
            );
            problems.add(
                &declared_at(&program.default_type.span(), &rule.id.span()),
                message,
            );
        }
        for group in rule
            .groups
            .iter()
            .filter(|group| !groups.contains(group.get_ref().as_str()))
        {
            let message = format!(
                "commission type {:?} of {what}: unknown group {:?}",
                rule.id.get_ref(),
                group.get_ref()
            );
            problems.missing(&group.span(), message);
        }
    }
    for (number, level) in (2..).zip(&program.levels) {
        if level.number != number {
            let message = format!(
                "{what}: {} is never paid without level-{number}",
                level.id.get_ref()
            );
            problems.missing(&level.id.span(), message);
            break;
        }
    }
    let mut assets = HashSet::new();
    for asset in program
        .assets
        .iter()
        .filter(|asset| !assets.insert(asset.get_ref()))
    {
        problems.add(
            &Spanned::span(asset),
            format!("{what}: asset {:?} is listed twice", asset.get_ref()),
        );
    }
}

fn check_keys(org: &Org, problems: &Problems<'_>) {
    let programs = ids(org.programs.iter().map(|program| &program.id));
    for key in &org.keys {
        let unknown = key
            .program
            .as_ref()
            .filter(|program| !programs.contains(program.get_ref().as_str()));
        if let Some(program) = unknown {
            let message = format!(
                "key {:?}: unknown program {:?}",
                key.name.get_ref(),
                program.get_ref()
            );
            problems.missing(&program.span(), message);
        }
    }
}

fn check_affiliates(org: &Org, problems: &Problems<'_>) {
    let groups = ids(org.groups.iter().map(|group| &group.id));
    for affiliate in &org.affiliates {
        let what = format!("affiliate {:?}", affiliate.id.get_ref());
        let unknown = affiliate
            .group_id
            .as_ref()
            .filter(|group| !groups.contains(group.get_ref().as_str()));
        if let Some(group) = unknown {
            problems.missing(
                &group.span(),
                format!("{what}: unknown group {:?}", group.get_ref()),
            );
        }
        for (id, value) in &affiliate.profile.custom_field_ids {
            let Some(field) = org.custom_fields.iter().find(|field| field.id == *id) else {
                problems.missing(
                    &id.span(),
                    format!("{what}: unknown custom field {:?}", id.get_ref()),
                );
                continue;
            };
            let choices = &field.definition.choices;
            let Some(value) = value else { continue };
            if !choices.is_empty() && !choices.contains(value) {
                let message = format!(
                    "{what}: {:?} is no choice of custom field {:?}",
                    value.get_ref(),
                    id.get_ref()
                );
                problems.add(&value.span(), message);
            }
        }
    }
}

/// Parents are known, and following them comes to an end.
fn check_parents(org: &Org, problems: &Problems<'_>) {
    let by_id: HashMap<_, _> = org
        .affiliates
        .iter()
        .map(|affiliate| (affiliate.id.get_ref().as_str(), affiliate))
        .collect();
    let parent_of = |child: &Affiliate| by_id.get(child.parent.as_ref()?.get_ref().as_str()).copied();
    let mut in_noted_cycle = HashSet::new();
    for affiliate in &org.affiliates {
        let id = affiliate.id.get_ref().as_str();
        let Some(parent) = &affiliate.parent else { continue };
        if !by_id.contains_key(parent.get_ref().as_str()) {
            let message = format!("affiliate {id:?}: unknown parent {:?}", parent.get_ref());
            problems.missing(&parent.span(), message);
            continue;
        }
        let mut line = vec![id];
        let mut above = parent_of(affiliate);
        while let Some(ancestor) = above {
            if line.contains(&ancestor.id.get_ref().as_str()) {
                break;
            }
            line.push(ancestor.id.get_ref());
            above = parent_of(ancestor);
        }
        // Each cycle is noted once, at its first member.
        if above.is_some_and(|ancestor| ancestor.id == affiliate.id) && !in_noted_cycle.contains(id) {
            in_noted_cycle.extend(line.iter().copied());
            line.push(id);
            problems.add(
                &declared_at(&parent.span(), &affiliate.id.span()),
                format!("affiliate {id:?}: parents in a circle: {}", line.join(" → ")),
            );
        }
    }
}

/// Coupons, referral codes and sources find one affiliation within the organisation.
fn check_codes(org: &Org, problems: &Problems<'_>) {
    let programs: HashMap<_, _> = org
        .programs
        .iter()
        .map(|program| (program.id.get_ref().as_str(), program))
        .collect();
    let affiliates = ids(org.affiliates.iter().map(|affiliate| &affiliate.id));
    let (mut coupons, mut codes, mut sources) = (Once::default(), Once::default(), Once::default());
    for affiliate in &org.affiliates {
        let id = affiliate.id.get_ref().as_str();
        for affiliation in &affiliate.affiliations {
            let wrong = |span: &Range<usize>, message: String| {
                problems.add(span, format!("affiliation of {id:?}: {message}"));
            };
            match programs.get(affiliation.program.get_ref().as_str()) {
                None => problems.missing(
                    &affiliation.program.span(),
                    format!(
                        "affiliation of {id:?}: unknown program {:?}",
                        affiliation.program.get_ref()
                    ),
                ),
                Some(program) => check_asset(id, affiliation, program, problems),
            }
            if let (Some(coupon), Some(folded)) = (&affiliation.coupon, &affiliation.coupon_folded)
                && let Some(other) = coupons.taken(folded.clone(), id)
            {
                wrong(
                    &coupon.span(),
                    format!("coupon {:?} is already one of {other:?}", coupon.get_ref()),
                );
            }
            if let Some(code) = &affiliation.referral_code {
                if let Some(other) = codes.taken(code.get_ref().clone(), id) {
                    wrong(
                        &code.span(),
                        format!("referral_code {:?} is already one of {other:?}", code.get_ref()),
                    );
                } else if code.get_ref() != id && affiliates.contains(code.get_ref().as_str()) {
                    let message = format!(
                        "referral_code {:?} is the id of another affiliate",
                        code.get_ref()
                    );
                    wrong(&code.span(), message);
                }
            }
            if let (Some(asset), Some(source)) = (&affiliation.asset_id, &affiliation.source_id)
                && let Some(other) = sources.taken(format!("{}\0{}", asset.get_ref(), source.get_ref()), id)
            {
                let message = format!(
                    "source_id {:?} of this asset is already one of {other:?}",
                    source.get_ref()
                );
                wrong(&source.span(), message);
            }
        }
    }
}

fn check_asset(affiliate: &str, affiliation: &Affiliation, program: &Program, problems: &Problems<'_>) {
    if let Some(asset) = &affiliation.asset_id
        && !program.assets.contains(asset)
    {
        let message = format!(
            "affiliation of {affiliate:?}: asset_id {:?} is no asset of its program",
            asset.get_ref()
        );
        problems.missing(&asset.span(), message);
    }
}

fn ids<'a>(ids: impl Iterator<Item = &'a Id>) -> HashSet<&'a str> {
    ids.map(|id| id.get_ref().as_str()).collect()
}
