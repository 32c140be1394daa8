//! What a person sees: steps with the time they began at, lines below them, tables.
//!
//! Enters: words. Leaves: stdout. It may not ask anything of anybody, and is handed no secret.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::time::Instant;

const INDENT: &str = "         ";
/// Of a sentence, beside the indent.
const WIDTH: usize = 110;

/// The page on which the story is told.
#[derive(Debug)]
pub(crate) struct Page {
    began: Instant,
    terminal: bool,
    step: RefCell<String>,
    // A reader that went away must not end the play: it has things to take down.
    closed: Cell<bool>,
}

/// Rows under a head; the head has a name for each cell of a row.
#[derive(Debug)]
pub(crate) struct Table {
    head: &'static [&'static str],
    widths: Vec<usize>,
}

/// A table that follows its rows: redrawn in place at a terminal, one line for each change elsewhere.
#[derive(Debug)]
pub(crate) struct LiveTable<'a> {
    page: &'a Page,
    table: Table,
    shown: Vec<Vec<String>>,
}

// === impl Page ===

impl Page {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            terminal: io::stdout().is_terminal(),
            step: RefCell::default(),
            closed: Cell::new(false),
        }
    }

    /// Seconds since the beginning.
    pub(crate) fn elapsed(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// The step that is being played.
    pub(crate) fn current_step(&self) -> String {
        self.step.borrow().clone()
    }

    pub(crate) fn title(&self, title: &str) {
        self.write(&format!("{}\n", self.bold(title)));
    }

    /// Begins a step: what is done, and why in the same line.
    pub(crate) fn step(&self, what: &str, why: &str) {
        self.step.replace(what.to_owned());
        let elapsed = self.elapsed();
        self.write(&format!("\n{elapsed:6.1}s  {}, {why}\n", self.bold(what)));
    }

    /// A sentence below the step, in as many lines as it needs.
    pub(crate) fn say(&self, sentence: &str) {
        let mut line = INDENT.to_owned();
        let mut used = 0;
        for word in sentence.split(' ') {
            let width = word.chars().count();
            if used > 0 && used + 1 + width > WIDTH {
                line.push('\n');
                line.push_str(INDENT);
                line.push_str("  ");
                used = 2;
            } else if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += width;
        }
        self.write(&format!("{line}\n"));
    }

    /// A line below the step, as it is.
    fn line(&self, line: &str) {
        self.write(&format!("{INDENT}{line}\n"));
    }

    /// A line at the margin.
    pub(crate) fn plain(&self, line: &str) {
        self.write(&format!("{line}\n"));
    }

    pub(crate) fn table(&self, head: &'static [&'static str], rows: &[Vec<String>]) {
        let mut table = Table::new(head);
        table.fit(rows);
        self.line(&self.bold(&table.line_of_head()));
        for row in rows {
            self.line(&table.line(row));
        }
    }

    /// `widths` are those of the longest cells to come.
    pub(crate) fn live(&self, head: &'static [&'static str], widths: Vec<usize>) -> LiveTable<'_> {
        LiveTable { page: self, table: Table { head, widths }, shown: Vec::new() }
    }

    fn bold(&self, text: &str) -> String {
        if self.terminal && std::env::var_os("NO_COLOR").is_none() {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    fn write(&self, text: &str) {
        if self.closed.get() {
            return;
        }
        let mut out = io::stdout().lock();
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
            self.closed.set(true);
        }
    }
}

// === impl Table ===

impl Table {
    fn new(head: &'static [&'static str]) -> Self {
        Self { head, widths: head.iter().map(|name| name.len()).collect() }
    }

    /// Widens the columns; they never become narrower, so that lines written earlier stay in step.
    fn fit(&mut self, rows: &[Vec<String>]) {
        for row in rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
    }

    fn line_of_head(&self) -> String {
        self.line(&self.head.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    fn line(&self, row: &[String]) -> String {
        let cells = row.iter().zip(&self.widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

// === impl LiveTable ===

impl LiveTable<'_> {
    /// Shows the rows as they are now.
    pub(crate) fn show(&mut self, rows: Vec<Vec<String>>) {
        if rows == self.shown {
            return;
        }
        self.table.fit(&rows);
        if self.page.terminal {
            self.redraw(&rows);
        } else {
            self.append(&rows);
        }
        self.shown = rows;
    }

    fn redraw(&self, rows: &[Vec<String>]) {
        let mut lines = vec![self.page.bold(&self.table.line_of_head())];
        lines.extend(rows.iter().map(|row| self.table.line(row)));
        let mut text = String::new();
        if !self.shown.is_empty() {
            write!(text, "\x1b[{}A", self.shown.len() + 1).expect("a String takes everything");
        }
        for line in lines {
            writeln!(text, "{INDENT}{line}\x1b[K").expect("a String takes everything");
        }
        // Without the wrap at the margin a long row is one line, and the way back up is known.
        self.page.write(&format!("\x1b[?7l{text}\x1b[J\x1b[?7h"));
    }

    fn append(&self, rows: &[Vec<String>]) {
        if self.shown.is_empty() {
            self.page.line(&self.table.line_of_head());
        }
        for row in rows.iter().filter(|row| !self.shown.contains(row)) {
            self.page.line(&self.table.line(row));
        }
    }
}
