//! A task of Windows at the user's logon.

use super::{ServicePaths, ServicePlan, words, xml};

const TASK: &str = "nostrp2p";

pub(super) fn plan(paths: &ServicePaths) -> ServicePlan {
    let arguments: Vec<String> = paths.command().skip(1).map(|word| quoted(&word)).collect();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
         <!-- Written by `nostrp2p service install`; `nostrp2p service uninstall` takes it away. -->\r\n\
         <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n\
         \x20 <Triggers><LogonTrigger><UserId>{account}</UserId></LogonTrigger></Triggers>\r\n\
         \x20 <Principals><Principal id=\"Author\">\r\n\
         \x20   <UserId>{account}</UserId><LogonType>InteractiveToken</LogonType>\r\n\
         \x20 </Principal></Principals>\r\n\
         \x20 <Settings>\r\n\
         \x20   <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>\r\n\
         \x20   <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>\r\n\
         \x20   <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>\r\n\
         \x20   <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>\r\n\
         \x20   <RestartOnFailure><Interval>PT1M</Interval><Count>10</Count></RestartOnFailure>\r\n\
         \x20 </Settings>\r\n\
         \x20 <Actions Context=\"Author\"><Exec>\r\n\
         \x20   <Command>{command}</Command>\r\n\
         \x20   <Arguments>{arguments}</Arguments>\r\n\
         \x20 </Exec></Actions>\r\n\
         </Task>\r\n",
        account = xml(&paths.account),
        command = xml(&paths.program.display().to_string()),
        arguments = xml(&arguments.join(" "))
    );
    let file = paths.home.join("AppData").join("Local").join("nostrp2p").join("task.xml");
    let path = file.display().to_string();
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes);
    ServicePlan {
        file,
        content: [0xff, 0xfe].into_iter().chain(utf16).collect(),
        executable: false,
        start: vec![
            words(&["schtasks", "/Create", "/F", "/TN", TASK, "/XML", &path]),
            words(&["schtasks", "/Run", "/TN", TASK]),
        ],
        stop: vec![
            words(&["schtasks", "/End", "/TN", TASK]),
            words(&["schtasks", "/Delete", "/F", "/TN", TASK]),
        ],
        is_running: None,
        advice: "The node runs now, and starts when you sign in; its window shows what it says.\n\
                 `nostrp2p owner claim-link` shows the claim link.",
    }
}

/// One word, as programs of Windows take their command line apart.
fn quoted(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '"']) {
        return word.to_owned();
    }
    // Backslashes count only before a quote.
    let mut text = String::from("\"");
    let mut backslashes = 0;
    for letter in word.chars() {
        match letter {
            '\\' => backslashes += 1,
            '"' => {
                text.push_str(&"\\".repeat(backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        text.push(letter);
    }
    text.push_str(&"\\".repeat(backslashes));
    text + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_windows_reads_them() {
        for (word, expected) in [
            ("plain", "plain"),
            ("", "\"\""),
            ("C:\\a b\\", "\"C:\\a b\\\\\""),
            ("say \"x\"", "\"say \\\"x\\\"\""),
            ("a\\\"b", "\"a\\\\\\\"b\""),
        ] {
            assert_eq!(quoted(word), expected, "{word}");
        }
    }
}
