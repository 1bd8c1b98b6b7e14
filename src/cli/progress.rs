//! The progress of long work, on standard error if that is a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Context;

/// A line with the number of bytes done, on a terminal only.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Begins without a total.
    pub(crate) fn new(context: &Context) -> Self {
        let bar = ProgressBar::new_spinner();
        hide(&bar, context);
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {bytes} written, {bytes_per_sec} {msg}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Begins with a total number of bytes.
    pub(crate) fn of_bytes(total: u64, context: &Context) -> Self {
        let bar = ProgressBar::new(total);
        hide(&bar, context);
        let template = "{bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Adds bytes that were read.
    pub(crate) fn read(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Adds bytes that were written.
    pub(crate) fn wrote(&self, bytes: usize) {
        self.0.inc(bytes as u64);
    }

    /// Sets the progress text.
    pub(crate) fn is_at(&self, what: String) {
        self.0.set_message(what);
    }

    /// Writes other output without the progress line.
    pub(crate) fn beside<R>(&self, say: impl FnOnce() -> R) -> R {
        self.0.suspend(say)
    }

    /// Removes the progress line.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn hide(bar: &ProgressBar, context: &Context) {
    if context.no_progress {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
}
