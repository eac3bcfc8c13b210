//! `query` and `get`: rows, read like any request over OData and then shortened.

use std::fmt::Write as _;

use app::data::DataBody;
use odata::address::{Groups, RequestUrl};
use serde_json::Value;

use super::arguments::ToolArguments;
use super::{Answer, MOST_BYTES, Target, ToolRefusal, schema};
use crate::mcp::rows;

/// How much of a response is read, in bytes. Rows are longer before their texts are cut.
const MOST_READ: usize = 1024 * 1024;

/// The response for data, as far as it is read.
struct Read {
    bytes: Vec<u8>,
    /// Whether nothing follows.
    is_whole: bool,
}

/// The shortened rows of a page.
#[derive(Default)]
struct Shortened {
    /// The rows, separated by commas.
    text: String,
    rows: usize,
    cut: usize,
}

/// Returns rows of an entity set.
pub(super) async fn query(target: &Target<'_>, arguments: &ToolArguments) -> Result<Answer, ToolRefusal> {
    let model = target.model().await?;
    let entity = arguments.text("entity").unwrap_or_default();
    let filtered = |url: RequestUrl| match arguments.text("filter") {
        Some(filter) => url.with("$filter", filter),
        None => url,
    };
    let rows = filtered(with_columns(RequestUrl::of_set(&model, entity)?, arguments));
    let number = filtered(RequestUrl::of_count(&model, entity)?);
    page(target, arguments, "rows", rows, &number).await
}

/// Returns groups of rows with their values.
pub(super) async fn aggregate(target: &Target<'_>, arguments: &ToolArguments) -> Result<Answer, ToolRefusal> {
    let model = target.model().await?;
    let entity = arguments.text("entity").unwrap_or_default();
    let (by, measures) = (arguments.names("groupby"), arguments.measures("aggregates"));
    if by.is_empty() && measures.is_empty() {
        return Err(ToolRefusal::arguments("groupby or aggregates must be given"));
    }
    let apply = Groups { filter: arguments.text("filter"), by, measures }.apply()?;
    let groups = RequestUrl::of_set(&model, entity)?.with("$apply", &apply);
    let number = RequestUrl::of_count(&model, entity)?.with("$apply", &apply);
    page(target, arguments, "groups", groups, &number).await
}

/// Returns a page of what is at an address, as the member of this name, with the number at the other address.
async fn page(
    target: &Target<'_>,
    arguments: &ToolArguments,
    member: &str,
    mut url: RequestUrl,
    number: &RequestUrl,
) -> Result<Answer, ToolRefusal> {
    for (option, name) in [("$orderby", "orderby"), ("$skiptoken", "next")] {
        if let Some(value) = arguments.text(name) {
            url = url.with(option, value);
        }
    }
    let skip = arguments.integer("skip", 0);
    if skip > 0 {
        url = url.with("$skip", &skip.to_string());
    }
    let is_counted = arguments.flag("count", true);
    if is_counted {
        url = url.with("$count", "true");
    }
    let top = arguments.integer("top", schema::DEFAULT_ROWS);
    let mut read = self::read(target, &url, Some(top)).await?;
    let (page, shortened) = shortened_page(&read)?;
    let is_short = shortened.rows < page.rows.len() || !page.is_whole;
    if is_short {
        // Only a page that ends behind the rows that fit knows how to go on behind them.
        read = self::read(target, &url, Some(shortened.rows)).await?;
    }
    let (mut page, shortened) = shortened_page(&read)?;
    if is_counted && page.total.is_none() {
        // Later pages of OData do not have the number.
        page.total = Some(count(target, number).await?);
    }
    Ok(answer_with(arguments, member, &page, &shortened, is_short))
}

/// The number at an address.
async fn count(target: &Target<'_>, number: &RequestUrl) -> Result<u64, ToolRefusal> {
    let read = self::read(target, number, None).await?;
    let number = std::str::from_utf8(&read.bytes).ok().and_then(|number| number.parse().ok());
    number.ok_or_else(other_than_rows)
}

/// Returns one entity.
pub(super) async fn get(target: &Target<'_>, arguments: &ToolArguments) -> Result<Answer, ToolRefusal> {
    let model = target.model().await?;
    let entity = arguments.text("entity").unwrap_or_default();
    let address = with_columns(RequestUrl::of_entity(&model, entity, arguments.key("key"))?, arguments);
    let read = read(target, &address, None).await?;
    let row = std::str::from_utf8(&read.bytes).ok().filter(|_| read.is_whole).ok_or_else(too_long)?;
    let mut text = String::new();
    let cut = rows::shorten(row, &mut text);
    if text.len() > MOST_BYTES {
        return Err(too_long());
    }
    let entity = Value::from(entity);
    Ok(Answer { structured: format!(r#"{{"entity":{entity},"row":{text},"cutTexts":{cut}}}"#), rows: 1 })
}

fn with_columns(mut address: RequestUrl, arguments: &ToolArguments) -> RequestUrl {
    let select = arguments.names("select");
    if !select.is_empty() {
        address = address.with("$select", &select.join(","));
    }
    match arguments.text("expand") {
        Some(expand) => address.with("$expand", expand),
        None => address,
    }
}

/// Reads a response up to [`MOST_READ`]; dropping the rest stops the query.
async fn read(
    target: &Target<'_>,
    address: &RequestUrl,
    page_size: Option<usize>,
) -> Result<Read, ToolRefusal> {
    let service = target.service;
    let request = target.request(address.as_str(), page_size);
    let answer = service.data.read_from(&service.agent.caller, &target.source, &request).await?;
    let mut stream = match answer.body {
        DataBody::Whole(bytes) => return Ok(Read::of(bytes.into())),
        DataBody::Stream(stream) => stream,
    };
    let mut bytes = Vec::new();
    loop {
        let chunk = std::future::poll_fn(|context| stream.poll_next(context)).await;
        match chunk {
            None => return Ok(Read::of(bytes)),
            Some(Ok(chunk)) => bytes.extend_from_slice(&chunk),
            Some(Err(aborted)) => {
                return Err(ToolRefusal::Tool("DataSourceUnavailable".into(), aborted.to_string()));
            }
        }
        if bytes.len() > MOST_READ {
            return Ok(Read::of(bytes));
        }
    }
}

impl Read {
    fn of(mut bytes: Vec<u8>) -> Self {
        let is_whole = bytes.len() <= MOST_READ;
        bytes.truncate(MOST_READ);
        Self { bytes, is_whole }
    }
}

/// The rows of a page that fit into an answer, at least one if the page has any.
fn shortened_page(read: &Read) -> Result<(rows::RowPage<'_>, Shortened), ToolRefusal> {
    let page = rows::page(&read.bytes).ok_or_else(other_than_rows)?;
    let mut shortened = Shortened::default();
    for row in &page.rows {
        let before = shortened.text.len();
        if shortened.rows > 0 {
            shortened.text.push(',');
        }
        let cut = rows::shorten(row, &mut shortened.text);
        if shortened.text.len() > MOST_BYTES {
            shortened.text.truncate(before);
            break;
        }
        shortened.rows += 1;
        shortened.cut += cut;
    }
    let has_more = !page.is_whole || !page.rows.is_empty();
    if shortened.rows == 0 && has_more { Err(too_long()) } else { Ok((page, shortened)) }
}

fn other_than_rows() -> ToolRefusal {
    ToolRefusal::arguments("the arguments ask for something other than rows")
}

fn too_long() -> ToolRefusal {
    let message = "a row is too long for an answer: name fewer properties with select";
    ToolRefusal::Tool("RowTooLarge".into(), message.to_owned())
}

/// The answer with these rows; `is_short` if there are fewer than the call asks for, because they are long.
fn answer_with(
    arguments: &ToolArguments,
    member: &str,
    page: &rows::RowPage<'_>,
    shortened: &Shortened,
    is_short: bool,
) -> Answer {
    let Shortened { text, rows, cut } = shortened;
    let is_complete = *rows == page.rows.len() && page.is_whole;
    let next = page.next_link.filter(|_| is_complete).and_then(position);
    let is_truncated = next.is_some() || !is_complete;
    let total = page.total.map_or(Value::Null, Value::from);
    let next = next.map_or(Value::Null, Value::from);
    let entity = Value::from(arguments.text("entity").unwrap_or_default());
    let mut structured = format!(
        r#"{{"entity":{entity},"{member}":[{text}],"returned":{rows},"total":{total},"next":{next},"truncated":{is_truncated},"cutTexts":{cut}"#
    );
    let note = match (is_truncated, is_short) {
        (false, _) => None,
        (true, false) => Some("more rows match: narrow the filter, or call again with next"),
        (true, true) => Some("the rows are long: name fewer properties with select, or call again with next"),
    };
    if let Some(note) = note {
        let _ = write!(structured, r#","note":"{note}""#);
    }
    structured.push('}');
    Answer { structured, rows: *rows }
}

/// The position in a next link.
fn position(next_link: &str) -> Option<&str> {
    let (_, rest) = next_link.split_once("$skiptoken=")?;
    let position = rest.split('&').next()?;
    (!position.is_empty()).then_some(position)
}
