//! Tables with a header (RFC 4180), as programs export them: read row by row, each with the line in which it begins.

use std::io::{BufRead, BufReader, Read};

use super::elements::{Form, InputError, Place, shown, without_mark};

/// Bytes of a header that are looked at to find out what stands between the columns.
const HEADER_BYTES_MAX: u64 = 64 << 10;

/// Reads the rows of a table, in order. `places` finds the columns that are wanted among the headings; `each` is given the place of
/// a row, the row, and headings and columns.
///
/// # Errors
/// [`InputError`] for the first row that is wrong, or what `each` says.
pub(super) fn read_table<P>(
    input: impl Read,
    places: impl FnOnce(&csv::StringRecord) -> Result<P, String>,
    mut each: impl FnMut(Place, &csv::StringRecord, (&csv::StringRecord, &P)) -> Result<(), InputError>,
) -> Result<Form, InputError> {
    let no_element = |reason| InputError::new(1, None, reason);
    let mut input = BufReader::new(without_mark(input).map_err(no_element)?);
    let mut first = Vec::new();
    let read = input.by_ref().take(HEADER_BYTES_MAX).read_until(b'\n', &mut first);
    read.map_err(|error| no_element(error.to_string()))?;
    // Rows end with a line feed alone, so that the reader's count of lines is right; what stands before it is cut off
    // with the blanks around a cell.
    let mut table = csv::ReaderBuilder::new()
        .delimiter(delimiter(&first))
        .terminator(csv::Terminator::Any(b'\n'))
        .flexible(true)
        .from_reader(first.as_slice().chain(input).chain(&b"\n"[..]));
    let headings = table.headers().map_err(|error| of_csv(&error, None))?.clone();
    let places = places(&headings).map_err(no_element)?;
    let (mut row, mut element) = (csv::StringRecord::new(), 0);
    while table.read_record(&mut row).map_err(|error| of_csv(&error, Some(element + 1)))? {
        if row.len() == 1 && cell(&row, 0).is_empty() {
            continue;
        }
        element += 1;
        // The reader stands behind the row, which has as many lines as its cells have line feeds, and one.
        let lines = 1 + row.iter().flat_map(str::bytes).filter(|byte| *byte == b'\n').count() as u64;
        let line = table.position().line().saturating_sub(lines);
        if row.len() != headings.len() {
            let (expected, found) = (headings.len(), row.len());
            let reason = format!("the header has {expected} columns, this row {found}");
            return Err(InputError::new(line, Some(element), reason));
        }
        each(Place { line, element }, &row, (&headings, &places))?;
    }
    if element == 0 {
        return Err(no_element("the table has no rows".to_owned()));
    }
    Ok(Form::Lines)
}

/// What stands between the columns: a comma, or, where the header has none, a semicolon or a tab.
fn delimiter(header: &[u8]) -> u8 {
    let found = [b',', b';', b'\t'].into_iter().find(|delimiter| header.contains(delimiter));
    found.unwrap_or(b',')
}

/// A heading without what exporters write differently: small letters and digits alone.
pub(super) fn plain(heading: &str) -> String {
    heading.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The headings of a table, for a refusal.
pub(super) fn listed(headings: &csv::StringRecord) -> String {
    format!("the header has {}", headings.iter().map(shown).collect::<Vec<_>>().join(", "))
}

/// A cell of a row without the blanks around it.
pub(super) fn cell(row: &csv::StringRecord, at: usize) -> &str {
    row.get(at).unwrap_or_default().trim()
}

fn of_csv(error: &csv::Error, element: Option<u64>) -> InputError {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "the input is not UTF-8; save it as UTF-8".to_owned(),
        _ => error.to_string(),
    };
    InputError::new(line, element, reason)
}
