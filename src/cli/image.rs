//! `greenroom image`.

use super::shell::Shell;
use super::transfer::{Transfer, size};
use crate::app::images::{self, CopyRequest};
use crate::app::{AppError, Exit, catalog, document};
use crate::domain::model::{ImageName, RepositoryName, Tag};
use crate::images::{CONNECTIONS, Copied, CopyPreview, Listed, Meter};
use crate::report::document::{ImageListDocument, ImagesListed};
use clap::Subcommand;
use std::sync::Arc;

/// Copy, tag, list and show images, of registries and of the project's own store
///
/// No greenroom.yaml is needed. A name whose first part is a host (ghcr.io/acme/app:1.2.3) is in that
/// registry; any other (app:1.2.3) is in the project's own store, .greenroom/images.
///
/// Example: greenroom image copy ghcr.io/acme/app:1.2.3 registry.example.com/acme/app
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Copy(CopyArgs),
    Tag(TagArgs),
    List(ListArgs),
    Show(ShowArgs),
}

/// Copy an image byte for byte: every platform, attestations, signatures and all else that hangs off it
///
/// The digest stays the same. Tags come last, when everything is there, and what is there is not sent
/// again: a copy that was cut off is finished by calling it again.
///
/// Example: greenroom image copy ghcr.io/acme/app:1.2.3 registry.example.com/acme/app
#[derive(Debug, clap::Args)]
struct CopyArgs {
    /// The image, by tag or digest
    #[arg(value_name = "IMAGE")]
    from: ImageName,
    /// Where to: REPOSITORY or REPOSITORY:TAG; the source's tag where none is given
    #[arg(value_name = "DESTINATION")]
    to: ImageName,
    /// Leave signatures, attestations and the like behind
    #[arg(long)]
    bare: bool,
    /// Look at every part, though the image is there: for a registry that has lost some
    #[arg(long)]
    deep: bool,
    /// Most requests at the same time
    #[arg(long, value_name = "N", default_value_t = CONNECTIONS, value_parser = connections)]
    connections: usize,
    /// Show what would be done and touch nothing
    #[arg(long)]
    dry_run: bool,
}

/// Give an image further tags
///
/// Example: greenroom image tag ghcr.io/acme/app:1.2.3 1.2 1 latest
#[derive(Debug, clap::Args)]
struct TagArgs {
    /// The image, by tag or digest
    image: ImageName,
    /// Tags that are to lead to it
    #[arg(required = true, value_name = "TAG")]
    tags: Vec<Tag>,
    /// Show what would be done and touch nothing
    #[arg(long)]
    dry_run: bool,
}

/// List the tags of a repository
///
/// Example: greenroom image list ghcr.io/acme/app --long
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// The repository
    repository: RepositoryName,
    /// Show which image each tag leads to, and when that was made: three requests or more for each tag
    #[arg(short, long)]
    long: bool,
}

/// Show an image: its digest, platforms and size, and what hangs off it
///
/// Example: greenroom image show ghcr.io/acme/app:1.2.3
#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The image, by tag or digest
    image: ImageName,
}

fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=256) => Ok(count),
        _ => Err("write a number from 1 to 256".to_owned()),
    }
}

pub(super) fn run(shell: &Shell, args: &Args) -> Result<Exit, AppError> {
    match &args.command {
        Command::Copy(args) => copy(shell, args),
        Command::Tag(args) => tag(shell, args),
        Command::List(args) => list(shell, args),
        Command::Show(args) => show(shell, args),
    }
}

fn copy(shell: &Shell, args: &CopyArgs) -> Result<Exit, AppError> {
    let catalog = catalog(&shell.context, shell.global.config.as_deref());
    let wish = CopyRequest {
        from: args.from.clone(),
        to: args.to.clone(),
        attached: !args.bare,
        deep: args.deep,
        connections: args.connections,
    };
    let repository = args.to.repository.as_str();
    if args.dry_run {
        outlook(shell, repository, &images::preview(catalog.as_ref(), &wish)?);
        return Ok(Exit::Done);
    }
    let meter = Meter::new(Arc::clone(&shell.context.clock));
    let copied = {
        let _shown = Transfer::show(shell, &meter);
        images::copy(catalog.as_ref(), &wish, &meter)?
    };
    if shell.is_json() {
        shell.json(&document::copied(repository, &copied));
    } else {
        for line in lines(repository, &copied) {
            shell.say(&line);
        }
    }
    Ok(Exit::Done)
}

fn tag(shell: &Shell, args: &TagArgs) -> Result<Exit, AppError> {
    let catalog = catalog(&shell.context, shell.global.config.as_deref());
    let repository = args.image.repository.as_str();
    if args.dry_run {
        let found = images::preview_tags(catalog.as_ref(), &args.image, &args.tags)?;
        outlook(shell, repository, &found);
        return Ok(Exit::Done);
    }
    let meter = Meter::new(Arc::clone(&shell.context.clock));
    let copied = images::tag(catalog.as_ref(), &args.image, &args.tags, &meter)?;
    if shell.is_json() {
        shell.json(&document::retagged(repository, &copied));
        return Ok(Exit::Done);
    }
    shell.say(&format!("{repository}@{}", copied.digest));
    for line in tag_lines(&copied) {
        shell.say(&line);
    }
    Ok(Exit::Done)
}

/// What was copied, for people.
pub(super) fn lines(repository: &str, copied: &Copied) -> Vec<String> {
    let what = if copied.was_there {
        "was there already".to_owned()
    } else {
        format!(
            "{} manifest(s) stored, {} blob(s) sent ({})",
            copied.manifests,
            copied.blobs_sent,
            size(copied.bytes_sent)
        )
    };
    let mut lines = vec![format!("{repository}@{}", copied.digest), format!("  {what}")];
    if !copied.attached.is_empty() {
        lines.push(format!("  with {} attached manifest(s)", copied.attached.len()));
    }
    lines.extend(tag_lines(copied));
    lines.extend(copied.notes.iter().map(|note| format!("  note: {note}")));
    lines
}

fn tag_lines(copied: &Copied) -> impl Iterator<Item = String> {
    let moved = copied.moved.iter().map(|tag| format!("  {tag}"));
    let unmoved = copied
        .unmoved
        .iter()
        .map(|tag| format!("  {tag} led there already"));
    moved.chain(unmoved)
}

/// What would be done.
pub(super) fn outlook(shell: &Shell, repository: &str, outlook: &CopyPreview) {
    if shell.is_json() {
        shell.json(&document::preview(repository, outlook));
        return;
    }
    for line in preview_lines(repository, outlook) {
        shell.say(&line);
    }
}

/// What would be done, for people.
pub(super) fn preview_lines(repository: &str, outlook: &CopyPreview) -> Vec<String> {
    let there = if outlook.is_there {
        "is there already"
    } else {
        "would be copied"
    };
    let mut lines = vec![format!("{repository}@{} {there}", outlook.digest)];
    for (tag, now) in &outlook.tags {
        lines.push(match now {
            Some(now) if *now == outlook.digest => format!("  {tag} leads there already"),
            Some(now) => format!("  {tag} would move from {now}"),
            None => format!("  {tag} would be new"),
        });
    }
    lines
}

fn list(shell: &Shell, args: &ListArgs) -> Result<Exit, AppError> {
    let catalog = catalog(&shell.context, shell.global.config.as_deref());
    let repository = args.repository.as_str();
    if !args.long {
        let tags = images::tags(catalog.as_ref(), repository)?;
        if shell.is_json() {
            shell.json(&ImageListDocument {
                repository,
                listed: ImagesListed::Tags(&tags),
            });
        } else {
            let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
            shell.say(&names.join("\n"));
        }
        return Ok(Exit::Done);
    }
    let listed = images::list(catalog.as_ref(), repository)?;
    if shell.is_json() {
        shell.json(&document::images(repository, &listed));
        return Ok(Exit::Done);
    }
    for Listed { tag, digest, created } in &listed {
        let digest = digest.as_ref().map_or("gone", |digest| digest.as_str());
        let created = created.map_or_else(|| "-".to_owned(), crate::domain::model::Timestamp::human);
        shell.say(&format!("{tag:<32} {digest} {created}"));
    }
    Ok(Exit::Done)
}

fn show(shell: &Shell, args: &ShowArgs) -> Result<Exit, AppError> {
    let catalog = catalog(&shell.context, shell.global.config.as_deref());
    let image = images::show(catalog.as_ref(), &args.image)?;
    let repository = args.image.repository.as_str();
    if shell.is_json() {
        shell.json(&document::image(repository, &image));
        return Ok(Exit::Done);
    }
    shell.say(&format!("{repository}@{}", image.digest));
    let mut rows = vec![("type", image.media_type.clone()), ("size", size(image.size))];
    rows.extend(
        image
            .version
            .iter()
            .map(|version| ("version", version.to_string())),
    );
    rows.extend(image.created.iter().map(|created| ("created", created.human())));
    for (name, value) in rows {
        shell.say(&format!("  {name:<9} {value}"));
    }
    for part in &image.parts {
        let platform = part.role.as_deref().or(part.platform.as_deref()).unwrap_or("-");
        let (digest, layers) = (&part.digest, part.layers);
        shell.say(&format!(
            "  {platform:<20} {digest}  {layers} layer(s), {}",
            size(part.size)
        ));
    }
    for attached in &image.attached {
        let how = attached.tag.as_ref().map_or_else(
            || {
                attached
                    .artifact_type
                    .clone()
                    .unwrap_or_else(|| "referrer".to_owned())
            },
            |tag| format!("tag {tag}"),
        );
        shell.say(&format!(
            "  attached  {}  to {}: {how}",
            attached.digest,
            attached.about.short()
        ));
    }
    Ok(Exit::Done)
}
