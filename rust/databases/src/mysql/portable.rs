//! A template in a file that any server of the same vendor reads: lines of JSON, the last one with the digest of all
//! others.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::error::{DatabaseError, Result};
use crate::session::Session;

use super::blueprint::{Blueprint, Table};
use super::failure::ask;
use super::quoting;
use super::settings::CHARSET;

/// The version of the format. A file of another is refused.
const VERSION: u32 = 1;
/// About how long a statement with rows gets, in bytes: a quarter of the smallest limit of servers in use (1 `MiB`).
const BATCH: usize = 256 * 1024;
/// How many rows are read at once; what they hold is in memory at that time.
const PAGE: usize = 5_000;

/// A line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    /// The first: everything but the rows.
    Template(Box<Header>),
    /// A statement that inserts rows.
    Rows(String),
    /// The last: the digest of all bytes before it.
    Digest(String),
}

/// What the file holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    format: u32,
    vendor: String,
    server: String,
    charset: String,
    blueprint: Blueprint,
}

/// Writes a template; the session is connected to it. The file appears whole or not at all.
pub(super) fn dump(
    session: &mut dyn Session,
    blueprint: Blueprint,
    vendor: &super::facts::Vendor,
    file: &Path,
) -> Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = NamedTempFile::new_in(folder).map_err(|error| broken(folder, &error))?;
    let mut lines = Lines { out: BufWriter::new(temporary.as_file()), hasher: blake3::Hasher::new(), path: file };
    let tables = blueprint.tables.clone();
    lines.write(&Line::Template(Box::new(Header {
        format: VERSION,
        vendor: vendor.name.to_owned(),
        server: vendor.version.clone(),
        charset: CHARSET.to_owned(),
        blueprint,
    })))?;
    for table in tables.iter().filter(|table| table.filled) {
        dump_rows(session, table, &mut lines)?;
    }
    lines.finish()?;
    temporary.as_file().sync_all().map_err(|error| broken(file, &error))?;
    temporary.persist(file).map_err(|error| broken(file, &error.error))?;
    Ok(())
}

/// Writes lines and their digest.
struct Lines<'a> {
    out: BufWriter<&'a File>,
    hasher: blake3::Hasher,
    path: &'a Path,
}

impl Lines<'_> {
    fn write(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(|error| broken(self.path, &error))?;
        text.push(b'\n');
        self.hasher.update(&text);
        self.out.write_all(&text).map_err(|error| broken(self.path, &error))
    }

    fn finish(mut self) -> Result<()> {
        let digest = Line::Digest(self.hasher.finalize().to_hex().to_string());
        self.write(&digest)?;
        self.out.flush().map_err(|error| broken(self.path, &error))
    }
}

/// Writes the rows of a table as statements. The literals are the server's own, so that nothing is lost between types.
fn dump_rows(session: &mut dyn Session, table: &Table, lines: &mut Lines) -> Result<()> {
    let literals =
        table.columns.iter().map(|column| literal(&column.name, &column.kind)).collect::<Vec<_>>().join(", ");
    let name = quoting::identifier(&table.name);
    // The versions of a row share its key, so a history has no order of its own.
    let order = if table.versioned { None } else { primary_key(session, &name)? };
    let prefix = format!("INSERT INTO {name} ({}) VALUES (", table.column_list());
    let mut batch = String::new();
    for page in 0.. {
        let limit =
            order.as_ref().map_or_else(String::new, |order| format!(" ORDER BY {order} LIMIT {}, {PAGE}", page * PAGE));
        let rows = ask(session, &format!("SELECT {literals} FROM {name}{}{limit}", table.whole()))?;
        for row in &rows {
            let row = row.iter().map(Option::as_deref).collect::<Option<Vec<_>>>().ok_or_else(|| {
                let reason = "holds a value larger than the server's max_allowed_packet";
                DatabaseError::Unsupported(format!("table {} {reason}", table.name))
            })?;
            batch.push_str(if batch.is_empty() { &prefix } else { "), (" });
            batch.push_str(&row.join(", "));
            if batch.len() >= BATCH {
                lines.write(&Line::Rows(std::mem::take(&mut batch) + ")"))?;
            }
        }
        if order.is_none() || rows.len() < PAGE {
            break;
        }
    }
    if batch.is_empty() { Ok(()) } else { lines.write(&Line::Rows(batch + ")")) }
}

/// The columns of the primary key, so that pages are in one order; without a key there is one page.
fn primary_key(session: &mut dyn Session, table: &str) -> Result<Option<String>> {
    let rows = ask(session, &format!("SHOW INDEX FROM {table} WHERE Key_name = 'PRIMARY'"))?;
    let columns = rows.iter().filter_map(|row| row.get(4)?.as_deref()).collect::<Vec<_>>();
    Ok((!columns.is_empty()).then(|| quoting::identifiers(columns)))
}

/// An expression whose value is the column's value as SQL; it is NULL only if that is too long for the server.
fn literal(column: &str, kind: &str) -> String {
    let column = quoting::identifier(column);
    match kind {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "year" => {
            format!("IFNULL(CAST({column} AS CHAR), 'NULL')")
        }
        // A float is shown with six digits, unless it is a double.
        "float" | "double" => format!("IFNULL(CAST({column} + 0e0 AS CHAR), 'NULL')"),
        "bit" => format!("IFNULL(CAST({column} + 0 AS CHAR), 'NULL')"),
        "json" => format!("QUOTE(CAST({column} AS CHAR))"),
        _ if is_binary(kind) => format!("IF({column} IS NULL, 'NULL', CONCAT('X''', HEX({column}), ''''))"),
        _ => format!("QUOTE({column})"),
    }
}

fn is_binary(kind: &str) -> bool {
    const SHAPES: [&str; 9] = [
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "vector",
    ];
    kind.ends_with("binary") || kind.ends_with("blob") || SHAPES.contains(&kind) || kind == "geomcollection"
}

/// A file whose digest is right.
pub(super) struct Checked<'a> {
    path: &'a Path,
}

/// Reads a file to its end and compares the digest.
pub(super) fn check(path: &Path) -> Result<Checked<'_>> {
    let mut reader = BufReader::new(File::open(path).map_err(|error| broken(path, &error))?);
    let (mut hasher, mut line) = (blake3::Hasher::new(), Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(|error| broken(path, &error))?;
        if read == 0 {
            return Err(broken(path, &"it is cut off; delete it, and the template is built again"));
        }
        if line.starts_with(b"{\"digest\"") {
            break;
        }
        hasher.update(&line);
    }
    let at_end = reader.fill_buf().map_err(|error| broken(path, &error))?.is_empty();
    match serde_json::from_slice(&line) {
        Ok(Line::Digest(digest)) if at_end && digest == hasher.finalize().to_hex().as_str() => Ok(Checked { path }),
        _ => Err(broken(path, &"it is damaged; delete it, and the template is built again")),
    }
}

impl Checked<'_> {
    /// What the template is made of, if this server can take it, and the statements with its rows.
    pub(super) fn open(&self, vendor: &str) -> Result<(Blueprint, impl Iterator<Item = Result<String>> + use<>)> {
        let path = self.path.to_owned();
        let reader = BufReader::new(File::open(&path).map_err(|error| broken(&path, &error))?);
        let mut lines = reader.lines().map(move |line| {
            let line = line.map_err(|error| broken(&path, &error))?;
            serde_json::from_str::<Line>(&line).map_err(|error| broken(&path, &error))
        });
        let Some(Line::Template(header)) = lines.next().transpose()? else {
            return Err(broken(self.path, &"it is no template of ours"));
        };
        if header.format != VERSION || header.vendor != vendor || header.charset != CHARSET {
            let (format, from) = (header.format, &header.vendor);
            return Err(broken(self.path, &format!("format {format} of {from} cannot be read into {vendor}")));
        }
        let rows = lines.filter_map(|line| match line {
            Ok(Line::Rows(statement)) => Some(Ok(statement)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        Ok((header.blueprint, rows))
    }
}

fn broken(path: &Path, reason: &dyn ToString) -> DatabaseError {
    DatabaseError::File { path: path.display().to_string(), reason: reason.to_string() }
}
