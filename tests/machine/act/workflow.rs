//! The workflow of most tests: one job, which uses the action and shows what became of it.

/// Where the action is used from, pinned as a user pins it.
pub(crate) const ACTION: &str = "luminosita/greenroom@0123456789abcdef0123456789abcdef01234567";

/// `actions/checkout` v4.2.2; act puts its own copy of the working tree in its place.
pub(crate) const CHECKOUT: &str = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683";

/// A workflow that uses `action` with these inputs (lines of YAML, without indentation).
pub(crate) fn using(action: &str, inputs: &str) -> String {
    let inputs: String = inputs.lines().map(|line| format!("          {line}\n")).collect();
    let with = if inputs.is_empty() { "" } else { "        with:\n" };
    format!(
        "\
name: Deploy
on:
  push:
  pull_request:
    types: [labeled]
  workflow_dispatch:
    inputs:
      environment: {{ description: Where to, type: string }}
      version: {{ description: Which version, type: string }}
      ref: {{ description: Which commit, type: string }}
      skip_tests: {{ description: Without the suites, type: boolean }}
permissions: {{}}
jobs:
  deploy:
    name: Deploy
    runs-on: ubuntu-24.04
    timeout-minutes: 10
    permissions:
      contents: write # the ledger
      deployments: write # their states
      checks: write # what was checked
      pull-requests: write # the comment, and the label
    steps:
      - name: Check out
        uses: {CHECKOUT} # v4.2.2
        with:
          persist-credentials: false
      - name: Greenroom
        id: greenroom
        uses: {action}
{with}{inputs}      - name: What the job sees
        id: seen
        if: always()
        shell: bash
        env:
          OUTCOME: ${{{{ steps.greenroom.outcome }}}}
          SHOULD_DEPLOY: ${{{{ steps.greenroom.outputs.should_deploy }}}}
          IMAGE: ${{{{ steps.greenroom.outputs.image }}}}
          VERSION: ${{{{ steps.greenroom.outputs.version }}}}
        run: |
          printf '%s=%s\\n' outcome \"$OUTCOME\" should_deploy \"$SHOULD_DEPLOY\" image \"$IMAGE\" version \"$VERSION\"
"
    )
}
