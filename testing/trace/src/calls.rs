//! From lines to calls, and the order in which they began and ended.
//!
//! strace stops a thread at the beginning and at the end of each call and writes while it holds it. So the order of
//! the lines is one in which things can have happened: what a thread did because of another one's call stands behind it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};

use crate::line::{Argument, Line, read_call, read_line, texts_in};

const CUT_OFF: &str = " <unfinished ...>) ";

/// A system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// What it was given, and what it filled in.
    pub arguments: Vec<Argument>,
    /// What it returned: -1 after an error; `None` when the process ended within it.
    pub result: Option<i64>,
}

impl Call {
    /// The number at this place.
    ///
    /// # Errors
    /// There is none.
    pub fn number(&self, at: usize) -> Result<i64> {
        match self.arguments.get(at) {
            Some(Argument::Number(number)) => Ok(*number),
            _ => Err(anyhow::anyhow!("{}: argument {at} is no number", self.name)),
        }
    }

    /// A number that is not negative: a length, an offset, a descriptor.
    ///
    /// # Errors
    /// There is none.
    pub fn size(&self, at: usize) -> Result<u64> {
        let number = self.number(at)?;
        u64::try_from(number).with_context(|| format!("{}: argument {at} is {number}", self.name))
    }

    /// The buffer or vector of buffers at this place.
    ///
    /// # Errors
    /// There is none.
    pub fn bytes(&self, at: usize) -> Result<Vec<u8>> {
        match self.arguments.get(at) {
            Some(Argument::Bytes(bytes)) => Ok(bytes.clone()),
            Some(Argument::Text(vector)) if vector.starts_with('[') => texts_in(vector),
            _ => Err(anyhow::anyhow!("{}: argument {at} is no buffer", self.name)),
        }
    }

    /// The path at this place.
    ///
    /// # Errors
    /// There is none, or it is not UTF-8.
    pub fn path(&self, at: usize) -> Result<String> {
        String::from_utf8(self.bytes(at)?).with_context(|| format!("{}: a path that is not UTF-8", self.name))
    }

    /// Flags or another word at this place; empty when there is none.
    #[must_use]
    pub fn word(&self, at: usize) -> &str {
        match self.arguments.get(at) {
            Some(Argument::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether it did what it was asked for.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        self.result.is_some_and(|result| result >= 0)
    }
}

/// Beginning or end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It begins: what it changes may be changed from now on.
    Begin(usize),
    /// It has returned.
    End(usize),
}

/// The life of one process.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Its calls.
    pub calls: Vec<Call>,
    /// Their beginnings and ends in order, by index of the call.
    pub edges: Vec<Edge>,
}

impl Trace {
    /// Reads strace's output.
    ///
    /// # Errors
    /// A line that is not understood, by its number: nothing is passed over.
    pub fn read(text: &str) -> Result<Self> {
        let mut trace = Self::default();
        let mut open: BTreeMap<u32, (usize, String)> = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            trace.read_line(line, &mut open).with_context(|| format!("line {} of the trace", number + 1))?;
        }
        // Whoever was within a call when the process was killed: strace says so, or says nothing more at all.
        for (call, begun) in open.into_values() {
            trace.fill(call, &format!("{begun}) = ?"))?;
        }
        Ok(trace)
    }

    fn read_line(&mut self, line: &str, open: &mut BTreeMap<u32, (usize, String)>) -> Result<()> {
        let (thread, said) = read_line(line)?;
        match said {
            Line::Other => {}
            Line::Whole { name, rest } => {
                let call = self.begin(name);
                // A call that the end of its process cut off may be said to be unfinished in the same line.
                self.fill(call, &rest.replacen(CUT_OFF, ") ", 1))?;
                self.edges.push(Edge::End(call));
            }
            Line::Begun { name, rest } => {
                let call = self.begin(name);
                let before = open.insert(thread, (call, rest.to_owned()));
                ensure!(before.is_none(), "thread {thread} is in two calls at once");
            }
            Line::Resumed { name, rest } => {
                let (call, begun) =
                    open.remove(&thread).with_context(|| format!("{name} goes on and never began"))?;
                self.fill(call, &(begun + rest))?;
                self.edges.push(Edge::End(call));
            }
        }
        Ok(())
    }

    fn begin(&mut self, name: &str) -> usize {
        self.calls.push(Call { name: name.to_owned(), arguments: Vec::new(), result: None });
        self.edges.push(Edge::Begin(self.calls.len() - 1));
        self.calls.len() - 1
    }

    fn fill(&mut self, call: usize, rest: &str) -> Result<()> {
        let (arguments, result) = read_call(rest)?;
        let call = self.calls.get_mut(call).context("no such call")?;
        (call.arguments, call.result) = (arguments, result);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_several_threads_keep_their_order() {
        let text = "7 pwrite64(3, \"ab\", 2, 0) = 2\n\
                    7 fdatasync(3 <unfinished ...>\n\
                    8 recvfrom(9,  <unfinished ...>\n\
                    7 <... fdatasync resumed>)          = 0\n\
                    8 <... recvfrom resumed>\"x\", 10, 0, NULL, NULL) = 1\n\
                    7 fdatasync(3 <unfinished ...>\n\
                    9 fsync(4 <unfinished ...>)  = ?\n\
                    8 +++ killed by SIGKILL +++\n";
        let trace = Trace::read(text).unwrap();
        let names: Vec<_> = trace.calls.iter().map(|call| (&*call.name, call.result)).collect();
        assert_eq!(
            names,
            [
                ("pwrite64", Some(2)),
                ("fdatasync", Some(0)),
                ("recvfrom", Some(1)),
                ("fdatasync", None),
                ("fsync", None)
            ]
        );
        use Edge::{Begin, End};
        assert_eq!(
            trace.edges,
            [Begin(0), End(0), Begin(1), Begin(2), End(1), End(2), Begin(3), Begin(4), End(4)]
        );
        assert_eq!(trace.calls[4].number(0).unwrap(), 4);
        assert_eq!(trace.calls[2].bytes(1).unwrap(), b"x");
        assert_eq!(trace.calls[0].size(3).unwrap(), 0);
        assert!(trace.calls[0].bytes(0).is_err() && trace.calls[0].number(1).is_err());
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = Trace::read("7 close(3) = 0\nnoise here\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2 of the trace");
        assert!(Trace::read("7 <... close resumed>) = 0\n").is_err());
    }
}
