//! Sources, what is in a backup, and what a restore would do, for a person.

use backup_api::{
    BackupDetails, Change, Difference, Entry, EntryKind, PartPreview, Preview, SourceRecord,
    Sources, UnreadFile,
};

use super::{count, counted, items, safe, size, time};

/// How many unread files are named one by one.
const UNREAD: usize = 10;
/// How many examples are shown of what a restore changes in one part.
const EXAMPLES: usize = 5;

pub fn sources(sources: &Sources) -> String {
    let width = sources.items.iter().map(|source| source.id.len()).max();
    let width = width.unwrap_or(0);
    let mut text = String::new();
    for source in &sources.items {
        text += &format!("{:width$}  {}\n", safe(&source.id), safe(&source.path));
        for line in &source.excludes {
            text += &format!("{:width$}  without {}\n", "", safe(line));
        }
    }
    if sources.items.is_empty() {
        text += "Only the library is backed up. Add a folder with: holdfast sources add PATH\n";
    }
    if let Some(suggested) = &sources.suggested {
        let path = safe(&suggested.path);
        text += &format!(
            "PiecesOS keeps its data here. Add it with: holdfast sources add --pieces '{path}'\n"
        );
    }
    text
}

pub fn entry(entry: &Entry) -> String {
    let at = entry.modified.map(time).unwrap_or_default();
    let has_size = !matches!(entry.kind, EntryKind::Folder | EntryKind::Special);
    let bytes = if has_size {
        size(entry.bytes)
    } else {
        String::new()
    };
    let kind = match entry.kind {
        EntryKind::Folder => "/",
        EntryKind::Link => "@",
        EntryKind::Special => "=",
        EntryKind::File | EntryKind::Database | EntryKind::Item => "",
    };
    let title = entry.title.as_deref().map(safe);
    let title = title.map_or(String::new(), |title| format!("  {title}"));
    format!("{bytes:>10}  {at:19}  {}{kind}{title}\n", safe(&entry.name))
}

pub fn difference(difference: &Difference) -> String {
    let sign = match difference.change {
        Change::Added => '+',
        Change::Changed => '~',
        Change::Removed => '-',
    };
    let title = difference.title.as_deref().map(safe);
    let title = title.map_or(String::new(), |title| format!("  {title}"));
    let sizes = match (difference.bytes_before, difference.bytes_after) {
        (Some(before), Some(after)) if before != after => {
            format!("  {} → {}", size(before), size(after))
        }
        (Some(bytes), _) | (_, Some(bytes)) => format!("  {}", size(bytes)),
        (None, None) => String::new(),
    };
    format!("{sign} {}{title}{sizes}\n", safe(&difference.path))
}

/// A source as it is in a backup.
pub(super) fn source_record(source: &SourceRecord) -> String {
    let mut text = format!(
        "  source    {}: {}, {} in {}, from {}\n",
        safe(&source.id),
        size(source.bytes),
        counted(source.files, "file"),
        counted(source.folders, "folder"),
        safe(&source.path)
    );
    if source.unread_count > 0 {
        text += &format!(
            "            could not be read whole: {}\n",
            count(source.unread_count)
        );
        text += &unread_lines(source.unread.iter());
        let more = source
            .unread_count
            .saturating_sub(source.unread.len() as u64);
        if more > 0 {
            text += &format!("              and {} more\n", count(more));
        }
    }
    text
}

/// The first of what a backup could not read, and how many more there are.
pub fn unread(details: &BackupDetails) -> String {
    let named = details.sources.iter().flat_map(|source| &source.unread);
    let shown: Vec<_> = named.take(UNREAD).collect();
    let more = details.unread_count.saturating_sub(shown.len() as u64);
    let mut text = format!("Could not be read whole: {}\n", count(details.unread_count));
    text += &unread_lines(shown.into_iter());
    if more > 0 {
        let id = safe(&details.backup.id);
        text += &format!(
            "              and {} more: holdfast show {id}\n",
            count(more)
        );
    }
    text
}

fn unread_lines<'a>(files: impl Iterator<Item = &'a UnreadFile>) -> String {
    files
        .map(|file| format!("              {}  {}\n", safe(&file.path), safe(&file.why)))
        .collect()
}

/// What a restore would do. `in_place`: it replaces what is there.
pub fn preview(preview: &Preview, library: bool, in_place: bool) -> String {
    let mut text = String::new();
    if library && in_place {
        text += &of_library(preview);
    }
    let told = |part: &&PartPreview| library && in_place && part.source == "library";
    for part in preview.parts.iter().filter(|part| !told(part)) {
        text += &of_part(part);
    }
    if let Some(program) = &preview.in_use_by {
        let program = safe(program);
        text +=
            &format!("{program} has open what is replaced: the restore waits until it has quit.\n");
    }
    if let Some(problem) = &preview.problem {
        text += &format!("{} {}\n", safe(&problem.message), safe(&problem.fix));
    }
    text += if in_place {
        "What is replaced is kept until the next restore.\n"
    } else {
        "Nothing of what is in use is replaced.\n"
    };
    text
}

fn of_library(preview: &Preview) -> String {
    let (then, now) = (items(preview.details.assets), count(preview.library.assets));
    let mut text = format!("The backup holds {then}, the library {now}.\n");
    if preview.newer > 0 {
        let names: Vec<String> = preview.newer_names.iter().map(|name| safe(name)).collect();
        text += &format!(
            "{} that are newer than the backup leave: {}\n",
            count(preview.newer),
            names.join(", ")
        );
    }
    text
}

fn of_part(part: &PartPreview) -> String {
    let changes = part.added + part.changed + part.removed;
    let moved = part.moved_to.as_deref();
    let moved =
        moved.map(|place| format!(" (backed up from another place, goes to {})", safe(place)));
    let moved = moved.unwrap_or_default();
    if changes == 0 {
        return format!("{}{moved}: as it is in the backup\n", safe(&part.source));
    }
    let mut text = format!(
        "{}{moved}: {} added, {} changed, {} removed\n",
        safe(&part.source),
        count(part.added),
        count(part.changed),
        count(part.removed)
    );
    for example in part.examples.iter().take(EXAMPLES) {
        text += &format!("  {}", difference(example));
    }
    let more = changes.saturating_sub(part.examples.len().min(EXAMPLES) as u64);
    if more > 0 && !part.examples.is_empty() {
        text += &format!("  and {} more\n", count(more));
    }
    text
}
