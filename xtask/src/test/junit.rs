//! What nextest writes about a run: one case for each test, in JUnit's XML.

use anyhow::{Context, Result};
use roxmltree::{Document, Node};

/// How the tests of this workspace say, in a line of their output, that they cannot run here
/// (`nostrp2p_tests::skip`).
const SKIPPED: &str = "skipped: ";
/// How they tell a figure.
const BUDGET: &str = "budget: ";

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestResult {
    Passed,
    /// It failed, crashed or was ended for its time.
    Failed,
    /// It was skipped, for these reasons.
    Skipped(Vec<String>),
}

/// One test.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub verdict: TestResult,
    /// Its output.
    pub output: String,
}

/// The tests of a run.
#[derive(Debug, Default)]
pub struct Tally(Vec<Case>);

impl Tally {
    /// Reads JUnit's XML.
    pub fn read(xml: &str) -> Result<Self> {
        let document = Document::parse(xml).context("nextest's result is not XML")?;
        let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
        cases.map(case).collect::<Result<_>>().map(Self)
    }

    /// A run of something else that went well, as one test.
    pub fn passed_as_one(name: &str) -> Self {
        Self(vec![Case { name: name.to_owned(), verdict: TestResult::Passed, output: String::new() }])
    }

    pub fn add(&mut self, case: Case) {
        self.0.push(case);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn passed(&self) -> u64 {
        self.count(|verdict| *verdict == TestResult::Passed)
    }

    pub fn failed(&self) -> u64 {
        self.count(|verdict| *verdict == TestResult::Failed)
    }

    pub fn skipped(&self) -> u64 {
        self.count(|verdict| matches!(verdict, TestResult::Skipped(_)))
    }

    fn count(&self, counts: impl Fn(&TestResult) -> bool) -> u64 {
        self.0.iter().map(|case| u64::from(counts(&case.verdict))).sum()
    }

    /// A line for each reason for which a test did not run.
    pub fn skips(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|case| {
            let reasons =
                if let TestResult::Skipped(reasons) = &case.verdict { reasons.as_slice() } else { &[] };
            reasons.iter().map(|reason| format!("skipped: {}: {reason}", case.name))
        })
    }

    /// The lines that begin with `budget:`.
    pub fn budgets(&self) -> impl Iterator<Item = String> {
        let lines = self.0.iter().flat_map(|case| case.output.lines());
        lines.map(str::trim).filter(|line| line.starts_with(BUDGET)).map(String::from)
    }

    /// The output of all tests.
    pub fn output(&self) -> String {
        self.0.iter().map(|case| case.output.as_str()).collect::<Vec<_>>().join("\n")
    }
}

fn case(node: Node) -> Result<Case> {
    let name = node.attribute("name").context("a test has no name")?.to_owned();
    let text = |name: &str| {
        let parts = node.children().filter(move |child| child.has_tag_name(name));
        parts.filter_map(|part| part.text()).collect::<Vec<_>>().join("\n")
    };
    let output = text("system-out");
    let went_wrong = |child: Node| child.has_tag_name("failure") || child.has_tag_name("error");
    let reasons: Vec<String> =
        output.lines().filter_map(|line| line.trim().strip_prefix(SKIPPED)).map(String::from).collect();
    let verdict = if node.children().any(went_wrong) {
        TestResult::Failed
    } else if reasons.is_empty() {
        TestResult::Passed
    } else {
        TestResult::Skipped(reasons)
    };
    Ok(Case { name, verdict, output })
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="5" failures="2" errors="1" uuid="x" timestamp="t" time="0.5">
    <testsuite name="nostrp2p-tests::product" tests="5" disabled="0" errors="1" failures="2">
        <testcase name="a::passes" classname="nostrp2p-tests::product" timestamp="t" time="0.1">
            <system-out>running 1 test
budget: post 40 ms
skipped is a word &amp; nothing else</system-out>
            <system-err>skipped: no reason on this side</system-err>
        </testcase>
        <testcase name="a::cannot" classname="c" timestamp="t" time="0.1">
            <system-out>skipped: there is no nginx</system-out>
        </testcase>
        <testcase name="a::fails" classname="c" timestamp="t" time="0.1">
            <failure type="test failure with exit code 101">boom</failure>
            <system-out>skipped: and yet it failed</system-out>
        </testcase>
        <testcase name="a::hangs" classname="c" timestamp="t" time="0.1">
            <failure type="test timeout"/>
        </testcase>
        <testcase name="a::does_not_start" classname="c" timestamp="t" time="0.1">
            <error type="execution failure"/>
        </testcase>
    </testsuite>
</testsuites>"#;

    #[test]
    fn each_test_passes_fails_or_is_skipped_and_what_failed_is_never_skipped() {
        let tally = Tally::read(XML).unwrap();
        assert_eq!((tally.passed(), tally.failed(), tally.skipped()), (1, 3, 1));
        assert_eq!(tally.skips().collect::<Vec<_>>(), ["skipped: a::cannot: there is no nginx"]);
        assert_eq!(tally.budgets().collect::<Vec<_>>(), ["budget: post 40 ms"]);
        assert!(tally.output().contains("a word & nothing else"));
    }

    #[test]
    fn what_is_no_result_is_an_error() {
        for wrong in ["", "{}", "<testsuites><testcase/></testsuites>"] {
            assert!(Tally::read(wrong).is_err(), "{wrong}");
        }
    }
}
