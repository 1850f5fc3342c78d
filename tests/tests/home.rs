//! The way home (PROTOCOL.md): a browser and a node at home that meet at helpers, and what a helper can and cannot do.

use nostrp2p_protocol::{
    PeerId,
    channel::ChannelError,
    frame::{ClientFrame, NodeFrame},
};
use nostrp2p_tests::{
    Browser, Certificate, Client, Front, HomeLink, Node, NotHome, Size, free_port, post, random_key,
};

/// A helper behind a front, and the front.
async fn fronted(certificate: Option<&Certificate>, arguments: &[&str]) -> (Front, Node) {
    let front = Front::start(certificate).await;
    // What a helper says of itself is always a way with TLS.
    let address = front.address().replace("ws://", "wss://");
    let helper = Node::start(&[&["--help-others", &address], arguments].concat()).await;
    front.lead_to(&helper.clients());
    (front, helper)
}

/// A node at home that these helpers help; the link from anywhere names them all.
async fn at_home(helpers: &[&Node], page: &str) -> (Node, String) {
    let addresses: Vec<String> = helpers.iter().map(|helper| helper.nodes()).collect();
    let mut arguments = vec!["--page", page];
    addresses.iter().for_each(|address| arguments.extend(["-b", address]));
    let home = Node::start(&arguments).await;
    let link = home.links_with_ways(helpers.len()).await.pop().expect("a link");
    assert!(link.starts_with(page), "{link}");
    (home, link)
}

/// The link without the ways but this one.
fn by(link: &str, way: &str) -> String {
    let (before, _) = link.split_once("&way=").expect("a way");
    format!("{before}&way={way}")
}

#[tokio::test]
async fn a_hosted_page_comes_home_by_a_helper_and_by_another_when_that_one_dies() {
    let certificate = Certificate::new();
    let folder = tempfile::tempdir().expect("a temporary directory");
    certificate.write(folder.path());
    let site = nostrp2p_tests::Site::start_secure(&certificate).await;

    let (front, first) = fronted(Some(&certificate), &[]).await;
    let port = free_port();
    let second_way = format!("wss://localhost:{}", port + 1);
    let (cert, key) = (folder.path().join("fullchain.pem"), folder.path().join("privkey.pem"));
    let (cert, key) = (cert.to_string_lossy(), key.to_string_lossy());
    let tls = ["--help-others", &second_way, "--tls-cert", &cert, "--tls-key", &key];
    let second = Node::start_on(port, &tls).await;
    let (home, link) = at_home(&[&first, &second], site.url.trim_end_matches('/')).await;

    let friends_key = random_key();
    let friend = Node::start(&["-b", &second.nodes()]).await;
    let mut friends = Client::claim(&friend.clients(), friend.token(), &friends_key).await;
    friends.neighbours(1).await;
    friends.watch(0).await;

    // The link knows one helper; the other one is told of by the node.
    let browser = Browser::start_with(Size::Desktop, &[&certificate.chromium_flag()]).await;
    browser.open(&by(&link, &front.address())).await;
    browser.become_somebody("Mia").await;
    browser.go("#/network").await;
    browser.see("way", &front.address().replace("wss://", "")).await;
    browser.go("#/").await;
    browser.write("from the train").await;
    friends.hear("from the train").await;
    friends.publish(&post(&friends_key, "from my sofa")).await;
    browser.see("post-text", "from my sofa").await;
    let nsec = browser.nsec().await;
    let npub = browser.npub().await;

    // All that the helper saw, and what it must not know.
    let passed = front.passed();
    assert!(passed.len() > 10 && passed.first().is_some_and(|path| path.starts_with(b"/to/")));
    for secret in ["from the train", "from my sofa", "Mia", &nsec, &npub, &npub[5..], "login", "kind"] {
        let seen =
            passed.iter().any(|bytes| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        assert!(!seen, "the helper has read {secret:?}");
    }
    let open =
        ClientFrame::Publish { request: 1, event: post(&friends_key, "from the train").into() }.encode();
    assert!(open.windows(14).any(|part| part == b"from the train"), "without the channel it would be read");

    // The helper dies; what is written meanwhile is not lost, nor what others write.
    drop(first.kill().await);
    browser.write("in a tunnel").await;
    friends.publish(&post(&friends_key, "still on my sofa")).await;
    friends.hear("in a tunnel").await;
    browser.see("post-text", "still on my sofa").await;
    browser.attribute("connection", "data-state", "connected").await;
    browser.go("#/network").await;
    browser.see("way", &second_way.replace("wss://", "")).await;

    // The node at home is off: the helper that is left says so, and the page quotes it.
    drop(home.kill().await);
    browser.see("error", "does not know that node at the moment").await;
    browser.close().await;
}

#[tokio::test]
async fn a_helper_that_leads_to_another_node_is_found_out_before_a_word_is_said() {
    let (front, helper) = fronted(None, &[]).await;
    let (mine, link) = at_home(&[&helper], "https://page.example").await;
    let (other, others_link) = at_home(&[&helper], "https://page.example").await;
    let (me, stranger) = (HomeLink::read(&link), HomeLink::read(&others_link));
    assert_ne!((me.peer, me.key), (stranger.peer, stranger.key));

    let mut client = Client::through(&front.address(), &me.peer, &me.key).await.expect("the way home");
    client.become_owner(mine.token(), &random_key()).await;
    assert_eq!(client.peer(), me.peer);

    front.lie(stranger.peer);
    let lied = Client::through(&front.address(), &me.peer, &me.key).await;
    // The other node takes no greeting that means somebody else, so nothing comes back at all.
    assert!(matches!(lied, Err(NotHome::Refused(_))), "{:?}", lied.err());
    // Nor does its own key open anything under the name of mine.
    let lied = Client::through(&front.address(), &me.peer, &stranger.key).await;
    assert!(matches!(lied, Err(NotHome::Refused(_))), "{:?}", lied.err());
    // A helper that answers by itself has no key.
    let invented = nostrp2p_protocol::channel::ChannelSecret::derive(&[1; 32]);
    let (greeting, first) =
        nostrp2p_protocol::channel::Greeting::begin(&me.peer, &me.key, [2; 32]).expect("a greeting");
    assert!(nostrp2p_protocol::channel::answer(&me.peer, &invented, [3; 32], &first, 1_000).is_err());
    assert_eq!(greeting.finish(&[0; 48], 1_000).err(), Some(ChannelError::Handshake));
    drop(other);
}

#[tokio::test]
async fn a_helper_says_why_it_serves_no_more() {
    let (front, helper) = fronted(None, &["--help-sessions", "1", "--help-mib-per-day", "1"]).await;
    let (home, link) = at_home(&[&helper], "https://page.example").await;
    let HomeLink { peer, key, .. } = HomeLink::read(&link);
    let refused = |client: Result<Client, NotHome>| match client {
        Err(NotHome::Refused((4_503, reason))) => reason,
        Err(other) => format!("{other:?}"),
        Ok(_) => "it was served".to_owned(),
    };
    let unknown = PeerId::from_ed25519([9; 32]);
    let reason = refused(Client::through(&front.address(), &unknown, &key).await);
    assert_eq!(reason, "this helper does not know that node at the moment");

    let person = random_key();
    let mut client = Client::through(&front.address(), &peer, &key).await.expect("the way home");
    client.become_owner(home.token(), &person).await;
    // For the next device of the owner.
    let (listen, data) = (home.nodes(), home.data_dir().to_string_lossy().into_owned());
    let show =
        ["owner", "show", "--link", "-l", &listen, "--data-dir", &data, "--page", "https://page.example"];
    let shown = tokio::process::Command::new(nostrp2p_tests::binary()).args(show).output().await;
    let shown = String::from_utf8(shown.expect("the binary runs").stdout).expect("text");
    let link = shown.lines().find(|line| line.contains("https://page.example/#peer=")).expect("a link");
    let link = HomeLink::read(link.trim());
    assert_eq!((link.peer, link.key, link.token), (peer, key, None), "{shown}");

    let reason = refused(Client::through(&front.address(), &peer, &key).await);
    assert_eq!(reason, "that node has reached its limit of sessions through this helper");

    // More than a MiB: the helper ends what it carries, and what was said before has arrived.
    let long = "a long story ".repeat(4_000);
    'all: for part in 0.. {
        assert!(part < 30, "the helper carries more than it said");
        let event = post(&person, &format!("{part} {long}"));
        client.send(ClientFrame::Publish { request: 9, event: event.into() }).await;
        loop {
            match client.next().await {
                Some(NodeFrame::Published { .. }) => break,
                Some(_) => {}
                None => break 'all,
            }
        }
    }
    let spent = "that node has used up what it gets from this helper today";
    assert_eq!(client.closed(), Some(&(4_503, spent.to_owned())));
    let reason = refused(Client::through(&front.address(), &peer, &key).await);
    assert_eq!(reason, spent);
    let (_, _, metrics) = helper.inside("/metrics").await;
    let metrics = String::from_utf8(metrics).expect("text");
    for expected in ["nostrp2p_home_nodes 1", "nostrp2p_home_sessions 0", "nostrp2p_home_refused_total 4"] {
        assert!(metrics.contains(expected), "no {expected} in {metrics}");
    }
    let mut here = Client::login(&home.clients(), &person).await;
    assert!(here.everything_after(0).await.iter().any(|text| text.starts_with("0 a long story")));
}
