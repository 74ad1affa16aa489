#![expect(clippy::too_many_lines, reason = "whole summaries as inline snapshots")]

use super::{LEAST_BYTES, MOST_BYTES, render};
use crate::domain::model::{CheckKind, Percent, Verdict};
use crate::domain::rollout::{Phase, StepId};
use crate::report::annotations;
use crate::report::fixtures::{
    HOSTILE, failed_health, first_removed, folded, halted_promote, hostile, interrupted, plan, resumed,
    success,
};
use crate::report::{CheckRow, FailureRow, RunReport, TrafficPoint, VariableChange};
use proptest::prelude::*;

fn summary(report: &RunReport) -> String {
    render(report, &[], MOST_BYTES)
}

/// Reads the structure as a Markdown reader does: fences first, details blocks outside of them.
fn assert_balanced(markdown: &str) {
    let mut fence: Option<String> = None;
    let mut depth = 0;
    for line in markdown.lines() {
        let mark: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if mark.len() >= open.len() && line.trim_end() == mark => fence = None,
            Some(_) => {}
            None if mark.len() >= 3 => fence = Some(mark),
            None => {
                depth += line.matches("<details").count();
                let closed = line.matches("</details>").count();
                assert!(closed <= depth, "closed too often: {line}");
                depth -= closed;
            }
        }
    }
    assert_eq!((fence, depth), (None, 0));
}

#[test]
fn a_successful_canary() {
    insta::assert_snapshot!(summary(&folded(&success())), @r###"
## ✅ shop 1.3.0 is live in production

1.3.0 is live on 2 units.

| Version | Environment | Strategy | Units | Duration | URL |
|---|---|---|--:|--:|---|
| <code>1.2.0</code> → <code>1.3.0</code> | production | canary | 2 | 1m 04s | [https&#58;//shop.acme.test](<https://shop.acme.test>) |

Asked for by alice (github): push to main: faster checkout ([run](<https://github.com/acme/shop/actions/runs/42>))

### Worth knowing

- web-2 took 31s to stop

### Checks

5 passed, from 20 samples

| | Check | Unit | Traffic | Evidence | Samples | p95 | Time |
|---|---|---|--:|---|--:|--:|--:|
| ✅ | health | web-1 | 0% | status 200, as expected | 4 | 31ms | 48ms |
| ✅ | health | web-2 | 0% | status 200, as expected | 4 | 31ms | 48ms |
| ✅ | smoke: login works | web-1 | 0% | status 200, as expected | 4 | 31ms | 48ms |
| ✅ | smoke: cart works | web-2 | 0% | status 200, as expected | 4 | 31ms | 48ms |
| ✅ | traffic | all | 25% | status 200, as expected | 4 | 31ms | 48ms |

### What changed

| | Before → after |
|---|---|
| Image | <code>ghcr.io/acme/shop@sha256:9f77034b1eb57d24f21ac7deb65c9cc99f63b72775e311f1f280ab2b6c2e06a2</code><br>→ <code>ghcr.io/acme/shop@sha256:59296d23d623ce0adf7675d22156e83b1248c8508135a65dd8a9e38c497e94a8</code> |
| Commit | <code>9f77034b1eb57d24f21ac7deb65c9cc99f63b727</code><br>→ <code>59296d23d623ce0adf7675d22156e83b1248c850</code> |
| <code>CHECKOUT</code> | – → <code>fast</code> |
| <code>LOG\_LEVEL</code> | <code>info</code> → <code>debug</code> |
| <code>OLD</code> | <code>1</code> → – |
| Secret <code>MAIL\_KEY</code> | added |
| Secret <code>OLD\_KEY</code> | removed |

### Traffic to <code>1.3.0</code>

**0%** after 0.0s → **25%** after 3.4s → **100%** after 1m 03s

### Timeline

```mermaid
gantt
    dateFormat x
    axisFormat %H:%M:%S
    todayMarker off
    section Way forward
    1 start 1.3.0 in the green slot of web-1, web-2 :done, 1795218619010, 1795218619810
    2 wait until 1.3.0 is ready on web-1, web-2 :done, 1795218619820, 1795218620720
    3 check 1.3.0 on web-1, web-2 before it has traffic (suite … :done, 1795218620730, 1795218621630
    4 send 25％ of traffic to 1.3.0 and the rest to 1.2.0 :done, 1795218621640, 1795218622440
    5 watch the traffic that reaches 1.3.0 for 1m (at most 1％ e… :done, 1795218622450, 1795218681500
    6 send all traffic to 1.3.0 :done, 1795218681510, 1795218682310
    7 make 1.3.0 the live version :done, 1795218682320, 1795218683120
    8 stop 1.2.0 on web-1, web-2 :done, 1795218683130, 1795218683930
```

<details><summary>Steps</summary>

| | Step | Result | Time |
|---|---|---|--:|
| 1 | start 1.3.0 in the green slot of web-1, web-2 | done | 0.8s |
| 2 | wait until 1.3.0 is ready on web-1, web-2 | done | 0.9s |
| 3 | check 1.3.0 on web-1, web-2 before it has traffic (suite smoke, 2 checks) | done | 0.9s |
| 4 | send 25% of traffic to 1.3.0 and the rest to 1.2.0 | done | 0.8s |
| 5 | watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests) | done | 59.0s |
| 6 | send all traffic to 1.3.0 | done | 0.8s |
| 7 | make 1.3.0 the live version | done | 0.8s |
| 8 | stop 1.2.0 on web-1, web-2 | done | 0.8s |

</details>

Deployment <code>20261120-235019-1f0c9a2e</code>, ledger records 40 to 62. Evidence: <code>greenroom history production</code>
"###);
}

#[test]
fn a_failed_health_check_and_the_way_back() {
    let report = folded(&failed_health()).with_ledger_head(crate::domain::model::Digest::of(b"head"));
    insta::assert_snapshot!(summary(&report), @r###"
## ↩️ shop 1.3.0 was taken back in production: 1.2.0 is serving

**Why:** web-2 was not ready within 1m (in the step: wait until 1.3.0 is ready on web-1, web-2)

- <code>web-2</code>: exited with status 1 after 0.2 s

**Next:** nothing is urgent, 1.2.0 is serving: deploy again when the cause is gone; see <code>greenroom history production</code>

| Live now | Tried | Environment | Strategy | Units | Duration | URL |
|---|---|---|---|--:|--:|---|
| <code>1.2.0</code> | <code>1.3.0</code> | production | canary | 2 | 3.3s | [https&#58;//shop.acme.test](<https://shop.acme.test>) |

Asked for by alice (github): push to main: faster checkout ([run](<https://github.com/acme/shop/actions/runs/42>))

<details open><summary>Last lines of web-2</summary>

```text
booting
Error: cannot reach database
  at main.js:12
```

</details>

### Checks

1 passed, 1 failed, from 8 samples

| | Check | Unit | Traffic | Evidence | Samples | p95 | Time |
|---|---|---|--:|---|--:|--:|--:|
| ❌ | health | web-2 | 0% | status 503, expected 200 | 1 of 4 failed | 31ms | 48ms |
| ✅ | health | web-1 | 0% | status 200, as expected | 4 | 31ms | 48ms |

### What changed

| | Before → after |
|---|---|
| Image | <code>ghcr.io/acme/shop@sha256:9f77034b1eb57d24f21ac7deb65c9cc99f63b72775e311f1f280ab2b6c2e06a2</code><br>→ <code>ghcr.io/acme/shop@sha256:59296d23d623ce0adf7675d22156e83b1248c8508135a65dd8a9e38c497e94a8</code> |
| Commit | <code>9f77034b1eb57d24f21ac7deb65c9cc99f63b727</code><br>→ <code>59296d23d623ce0adf7675d22156e83b1248c850</code> |
| <code>CHECKOUT</code> | – → <code>fast</code> |
| <code>LOG\_LEVEL</code> | <code>info</code> → <code>debug</code> |
| <code>OLD</code> | <code>1</code> → – |
| Secret <code>MAIL\_KEY</code> | added |
| Secret <code>OLD\_KEY</code> | removed |

### Timeline

```mermaid
gantt
    dateFormat x
    axisFormat %M:%S.%L
    todayMarker off
    section Way forward
    1 start 1.3.0 in the green slot of web-1, web-2 :done, 1795218619010, 1795218619810
    2 wait until 1.3.0 is ready on web-1, web-2 :crit, 1795218619820, 1795218620720
    section Way back
    back 1 send all traffic to 1.2.0 :done, 1795218620730, 1795218621530
    back 2 stop 1.3.0 on web-1, web-2 :done, 1795218621540, 1795218622340
```

<details><summary>Steps</summary>

| | Step | Result | Time |
|---|---|---|--:|
| 1 | start 1.3.0 in the green slot of web-1, web-2 | done | 0.8s |
| 2 | wait until 1.3.0 is ready on web-1, web-2 | failed | 0.9s |
| back 1 | send all traffic to 1.2.0 | done | 0.8s |
| back 2 | stop 1.3.0 on web-1, web-2 | done | 0.8s |
| 3 | check 1.3.0 on web-1, web-2 before it has traffic (suite smoke, 2 checks) | not run | – |
| 4 | send 25% of traffic to 1.3.0 and the rest to 1.2.0 | not run | – |
| 5 | watch the traffic that reaches 1.3.0 for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests) | not run | – |
| 6 | send all traffic to 1.3.0 | not run | – |
| 7 | make 1.3.0 the live version | not run | – |
| 8 | stop 1.2.0 on web-1, web-2 | not run | – |

</details>

Deployment <code>20261120-235019-1f0c9a2e</code>, ledger records 40 to 51, head <code>sha256:9f2e6d33a3717ee826353a404ba4618d1aeeb6879ad7936bce8ed5f46814924d</code>. Evidence: <code>greenroom history production</code>
"###);
}

#[test]
fn what_is_said_of_each_ending() {
    let heads: Vec<String> = [halted_promote(), first_removed(), interrupted(), resumed()]
        .iter()
        .map(|events| {
            summary(&folded(events))
                .lines()
                .take(3)
                .collect::<Vec<_>>()
                .join("\n")
        })
        .collect();
    insta::assert_snapshot!(heads.join("\n\n"), @r###"
## ⛔ shop 1.3.0 halted in production: a person is needed

**Why:** the router refused the new routes (in the step: make 1.3.0 the live version)

## ↩️ shop 1.3.0 was removed from production: it was the first deployment, nothing is serving

**Why:** web-1 was not ready within 1m (in the step: wait until 1.3.0 is ready on web-1)

## ↩️ shop 1.3.0 was taken back in production: 1.2.0 is serving

**Why:** interrupted by SIGTERM

## ✅ shop 1.3.0 is live in production

1.3.0 is live on 2 units.
"###);
}

#[test]
fn hostile_text_stays_text() {
    let text = summary(&folded(&hostile()));
    insta::assert_snapshot!(text, @r###"
## ↩️ x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0} 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a was taken back in production: 1.2.0 is serving

**Why:** x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0} (in the step: check 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a on web-1, web-2 before it has traffic (suite x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0}, 1 check))


**Next:** nothing is urgent, 1.2.0 is serving: deploy again when the cause is gone; see <code>greenroom history production</code>

| Live now | Tried | Environment | Strategy | Units | Duration | URL |
|---|---|---|---|--:|--:|---|
| <code>1.2.0</code> | <code>1.3.0&#124;&#96;x&#96;&#60;b&#62;@a</code> | production | canary | 2 | 4.9s | [https&#58;//shop.acme.test](<https://shop.acme.test>) |

Asked for by x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1… (github): x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0} (x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0})

<details open><summary>Last lines of web-1</summary>

`````text
x
::set-output name=a::b
##[add-mask]e | ` ``` ~~~ ${{ secrets.T }} </details> <script> @octocat #1 [a](http://evil.test) https://evil.test %%{init: {}}%% :a; ]]> red \u{202e}lortnoc \u{0}
::error::no
````
  ::warning::no
`````

</details>

### Worth knowing

- x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0}

### Checks

1 failed, from 4 samples

| | Check | Unit | Traffic | Evidence | Samples | p95 | Time |
|---|---|---|--:|---|--:|--:|--:|
| ❌ | x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; …: x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.tes… | web-1 | 0% | x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0} | 1 of 4 failed | 31ms | 48ms |

### What changed

| | Before → after |
|---|---|
| Image | <code>ghcr.io/acme/shop@sha256:9f77034b1eb57d24f21ac7deb65c9cc99f63b72775e311f1f280ab2b6c2e06a2</code><br>→ <code>ghcr.io/acme/shop@sha256:59296d23d623ce0adf7675d22156e83b1248c8508135a65dd8a9e38c497e94a8</code> |
| Commit | <code>9f77034b1eb57d24f21ac7deb65c9cc99f63b727</code><br>→ <code>59296d23d623ce0adf7675d22156e83b1248c850</code> |
| <code>LOG\_LEVEL</code> | <code>info</code> → – |
| <code>OLD</code> | <code>1</code> → – |
| <code>x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @octocat #1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0}</code> | –<br>→ <code>x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @octocat #1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0}</code> |
| Secret <code>MAIL\_KEY</code> | added |
| Secret <code>OLD\_KEY</code> | removed |

### Timeline

```mermaid
gantt
    dateFormat x
    axisFormat %M:%S.%L
    todayMarker off
    section Way forward
    1 run the hook x ∶∶set-output name=a∶∶b ___add-mask_e _ _ _… :done, 1795218619010, 1795218619810
    2 start 1.3.0__x__b__a in the green slot of web-1, web-2 :done, 1795218619820, 1795218620620
    3 wait until 1.3.0__x__b__a is ready on web-1, web-2 :done, 1795218620630, 1795218621430
    4 check 1.3.0__x__b__a on web-1, web-2 before it has traffi… :crit, 1795218621440, 1795218622290
    section Way back
    back 1 send all traffic to 1.2.0 :done, 1795218622300, 1795218623100
    back 2 stop 1.3.0__x__b__a on web-1, web-2 :done, 1795218623110, 1795218623910
```

<details><summary>Steps</summary>

| | Step | Result | Time |
|---|---|---|--:|
| 1 | run the hook x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0} | done | 0.8s |
| 2 | start 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a in the green slot of web-1, web-2 | done | 0.8s |
| 3 | wait until 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a is ready on web-1, web-2 | done | 0.8s |
| 4 | check 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a on web-1, web-2 before it has traffic (suite x ::set-output name=a::b ##\[add-mask\]e &#124; &#96; &#96;&#96;&#96; \~\~\~ &#36;{{ secrets.T }} &#60;/details&#62; &#60;script&#62; @&#8203;octocat #&#8203;1 \[a\](http&#58;//evil.test) https&#58;//evil.test %%{init: {}}%% :a; \]\]&#62; red \\u{202e}lortnoc \\u{0}, 1 check) | failed | 0.8s |
| back 1 | send all traffic to 1.2.0 | done | 0.8s |
| back 2 | stop 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a on web-1, web-2 | done | 0.8s |
| 5 | send 25% of traffic to 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a and the rest to 1.2.0 | not run | – |
| 6 | watch the traffic that reaches 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a for 1m (at most 1% errors, p95 at most 300ms, at least 20 requests) | not run | – |
| 7 | send all traffic to 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a | not run | – |
| 8 | make 1.3.0&#124;&#96;x&#96;&#60;b&#62;@&#8203;a the live version | not run | – |
| 9 | stop 1.2.0 on web-1, web-2 | not run | – |

</details>

Deployment <code>20261120-235019-1f0c9a2e</code>, ledger records 40 to 54. Evidence: <code>greenroom history production</code>
"###);
    assert_balanced(&text);
    let mut fence = String::new();
    for line in text.lines() {
        let mark: String = line.chars().take_while(|c| *c == '`').collect();
        if mark.len() >= 3 && (fence.is_empty() || (mark.len() >= fence.len() && line == mark)) {
            fence = if fence.is_empty() {
                line.to_owned()
            } else {
                String::new()
            };
            continue;
        }
        let forbidden: &[&str] = match fence.as_str() {
            "" => &["<script", "@octocat", "](http://evil", " https://evil", "`", "$"],
            "```mermaid" => &["%%", "{", ";", "#", "<", "`"],
            _ => &[],
        };
        for bad in forbidden {
            assert!(!line.contains(bad), "{bad} in {line}");
        }
    }
}

#[test]
fn what_github_would_not_keep_of_the_annotations_is_listed() {
    let report = folded(&failed_health());
    let text = render(&report, &annotations::of(&report), MOST_BYTES);
    assert!(
        text.contains("3 annotations that GitHub would not have kept"),
        "{text}"
    );
}

#[test]
fn a_summary_that_is_too_long_loses_its_least_important_parts_and_says_so() {
    let report = huge(2_500, 20, HOSTILE);
    let full = render(&report, &[], usize::MAX);
    assert!(
        full.len() > MOST_BYTES,
        "the case is large enough to matter: {}",
        full.len()
    );
    let text = summary(&report);
    assert!(text.len() <= MOST_BYTES);
    assert_balanced(&text);
    assert!(
        text.contains("was taken back in production") && text.contains("Last lines of"),
        "{}",
        &text[..2_000]
    );
    assert!(
        text.contains("to keep within GitHub's limit"),
        "{}",
        &text[text.len() - 600..]
    );
    let least = render(&report, &[], 0);
    assert!(
        least.len() <= LEAST_BYTES && least.contains("**Why:**"),
        "{}",
        least.len()
    );
    assert_balanced(&least);
}

#[test]
fn who_reads_a_failure_sees_why_what_next_and_what_is_live_before_anything_else() {
    for (events, live) in [
        (failed_health(), "| <code>1.2.0</code> | <code>1.3.0</code> |"),
        (first_removed(), "| nothing | <code>1.3.0</code> |"),
        // All traffic was sent to it before it could not be promoted.
        (halted_promote(), "| <code>1.3.0</code> | <code>1.3.0</code> |"),
    ] {
        let text = summary(&folded(&events));
        let at = |what: &str| {
            text.find(what)
                .unwrap_or_else(|| panic!("{what} is missing: {text}"))
        };
        assert!(at("**Why:**") < at("**Next:**"), "{text}");
        assert!(at("**Next:**") < at("| Live now | Tried |"), "{text}");
        assert!(at("| Live now | Tried |") < at("###"), "{text}");
        assert!(text.contains(live), "{live}: {text}");
    }
}

#[test]
fn a_halted_canary_shows_how_the_traffic_is_shared() {
    let mut report = folded(&halted_promote());
    report.traffic.push(TrafficPoint {
        at: report.ended,
        share: Percent::try_from(25).unwrap(),
    });
    assert!(summary(&report).contains("| <code>1.2.0</code> 75%, <code>1.3.0</code> 25% |"));
    report.traffic.clear();
    assert!(summary(&report).contains("| see <code>greenroom status production --live</code> |"));
}

#[test]
fn what_passed_is_folded_away_where_it_would_fill_the_screen() {
    let text = summary(&huge(40, 1, "x"));
    assert_balanced(&text);
    let (seen, folded) = text.split_once(" that passed</summary>").unwrap();
    assert!(seen.contains("| ❌ |") && !seen.contains("| ✅ |"), "{seen}");
    assert!(
        folded.contains("| ✅ |") && !folded.contains("| ❌ |"),
        "{folded}"
    );
}

#[test]
fn a_unit_that_came_up_did_not_fail_before() {
    let mut report = folded(&success());
    report.checks[0].samples_failed = 3;
    let row = |report: &RunReport| {
        let text = summary(report);
        text.lines()
            .find(|line| line.starts_with("| ✅ |"))
            .unwrap()
            .to_owned()
    };
    assert!(!row(&report).contains("failed"), "{}", row(&report));
    report.checks[0].suite = Some("smoke".to_owned());
    assert!(row(&report).contains("3 of 4 failed"), "{}", row(&report));
}

/// A failed run of many checks and variables with this text everywhere.
fn huge(checks: usize, failures: usize, text: &str) -> RunReport {
    let mut report = folded(&failed_health());
    let step = StepId {
        phase: Phase::Forward,
        index: 1,
    };
    report.checks = (0..checks)
        .map(|n| CheckRow {
            step,
            at: report.started,
            name: format!("{n} {text}"),
            suite: Some(text.to_owned()),
            kind: CheckKind::Security,
            unit: plan(1).placements.first().map(|placement| placement.unit.clone()),
            share: Percent::ALL,
            verdict: if n % 2 == 0 { Verdict::Fail } else { Verdict::Pass },
            reason: text.repeat(3),
            samples: 1,
            samples_failed: 1,
            p50_ms: None,
            p95_ms: Some(1),
            duration_ms: 1,
        })
        .collect();
    report.failures = (0..failures)
        .map(|_| FailureRow {
            step,
            description: text.to_owned(),
            at: report.started,
            inconclusive: false,
            unit: "web-1".parse().ok(),
            reason: text.to_owned(),
            logs: format!("{text}\n").repeat(400),
        })
        .collect();
    report.changes.variables = (0..checks)
        .map(|n| VariableChange {
            name: format!("V{n}"),
            change: crate::report::Change {
                before: None,
                after: Some(text.repeat(20)),
            },
        })
        .collect();
    report.warnings = vec![text.repeat(10); checks];
    report.service = text.to_owned();
    report.cause = Some(text.repeat(10));
    report
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn no_input_makes_it_too_long_or_unbalanced(
        text in "\\PC{0,60}|[`~<>/details |\n@#\\[\\]]{0,80}",
        checks in 0usize..150,
        failures in 0usize..20,
        limit in 0usize..400_000,
    ) {
        let out = render(&huge(checks, failures, &text), &[], limit);
        prop_assert!(out.len() <= limit.max(LEAST_BYTES));
        assert_balanced(&out);
    }
}
