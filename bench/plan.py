"""Writes a project of COUNT environments into the working directory: plan.py COUNT [local]

Every other one is `local` and the rest `command`, or all of them are `local`.
"""

import os
import sys

ROOT = """\
service: shop
version: { value: 1.4.2 }
environments: [environments/*.yaml]
hooks:
  beforeDeploy:
    - { name: migrate, run: [sh, -c, "true"], timeout: 30s }
suites:
  smoke:
    - { name: health, type: health, http: { path: /health, status: 200, json: { status: ok } }, timeout: 5s }
    - { name: greets, type: functional, http: { path: /, contains: hello }, timeout: 5s }
  load:
    - { name: is fast, type: performance, http: { path: /, latency: 300ms }, timeout: 5s }
"""

LOCAL = """\
local:
  instances: {instances}
  portVariable: PORT
  stopTimeout: 15s
"""

COMMAND = """\
command:
  deploy: [sh, deploy.sh, "{{{{ version }}}}", "{{{{ unit }}}}"]
  status: ["false"]
  rollback: [sh, rollback.sh, "{{{{ unit }}}}"]
  timeout: 2m
  parallelism: 4
"""

ENVIRONMENT = """\
# Customer {number}: runs in the region of its own.
name: customer-{number:03}
type: {kind}
description: Customer {number}
{target}url: http://127.0.0.1:{port}
variables:
  LOG_LEVEL: info
  REGION: "eu-{number}"
  FEATURES: "search,reports,export"
  MAX_CONNECTIONS: "200"
  CACHE_TTL: "300"
secrets:
  DATABASE_URL: {{ env: DATABASE_URL }}
  API_TOKEN: {{ env: API_TOKEN }}
protection:
  enabled: true
  allowOverwrite: false
deployment:
  strategy: {strategy}
  healthCheckPath: /health
  healthCheckInterval: 500ms
  healthCheckTimeout: 60s
  drain: 10s
  cleanupOnFailure: true
  rollback:
    enabled: true
    automatic: true
    watch: 30s
suites: [smoke, load]
hooks:
  beforeDeploy:
    - name: warm up
      run: [sh, -c, "exit 0"]
      timeout: 20s
    - name: announce
      run: [sh, -c, "exit 0"]
      timeout: 20s
  afterDeploy:
    - name: clear the cache
      run: [sh, -c, "exit 0"]
      timeout: 20s
"""

os.mkdir("environments")
with open("greenroom.yaml", "w") as file:
    file.write(ROOT)
for number in range(int(sys.argv[1])):
    local = number % 2 == 0 or sys.argv[2:] == ["local"]
    text = ENVIRONMENT.format(
        number=number,
        kind="staging" if number % 4 else "production",
        port=20000 + number,
        strategy="blue-green" if local else "direct",
        target=LOCAL.format(instances=1 + number % 4) if local else COMMAND.format(),
    )
    with open(f"environments/customer-{number:03}.yaml", "w") as file:
        file.write(text)
