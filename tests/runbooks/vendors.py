"""What the vendors of targets document: what they are asked, and how they answer a run, a failure and a stop."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.fakes import Reply

AWX = {"url": "{url}", "token": "{{ secret.token }}", "template": "7"}
RUNDECK = {"url": "{url}", "token": "{{ secret.token }}", "job": "a-b-c"}
JENKINS = {"url": "{url}", "user": "ops", "token": "{{ secret.token }}", "job": "ops/restart it"}
GITHUB = {"repository": "acme/ops", "workflow": "restart.yaml", "token": "{{ secret.token }}"}
BASIC = "Basic " + b64encode(b"ops:t0ken-of-the-vendor").decode()
BEARER = "Bearer t0ken-of-the-vendor"
# target → its fields, what it answers to start, to look twice and for the output, what it was asked, the proof it got
GOOD = {
    "awx": (AWX, [{"job": 12, "ignored_fields": {}}, {"status": "running"}, {"status": "successful"}, "PLAY RECAP"],
            ["POST /api/v2/job_templates/7/launch/", "GET /api/v2/jobs/12/", "GET /api/v2/jobs/12/",
             "GET /api/v2/jobs/12/stdout/?format=txt"],
            ("authorization", BEARER), {"extra_vars": {"pod": "web-1", "grace": 30}}, "PLAY RECAP"),
    "rundeck": (RUNDECK, [{"id": 5, "status": "running"}, {"status": "running"}, {"status": "succeeded"}, "all done"],
                ["POST /api/41/job/a-b-c/run", "GET /api/41/execution/5", "GET /api/41/execution/5",
                 "GET /api/41/execution/5/output?format=text"],
                ("x-rundeck-auth-token", "t0ken-of-the-vendor"), {"options": {"pod": "web-1", "grace": "30"}}, "all done"),
    "jenkins": (JENKINS, [Reply(201, headers={"Location": "http://elsewhere/queue/item/9/"}), {"executable": {"number": 3}},
                          {"building": False, "result": "SUCCESS"}, "Finished: SUCCESS"],
                ["POST /job/ops/job/restart%20it/buildWithParameters", "GET /queue/item/9/api/json",
                 "GET /job/ops/job/restart%20it/3/api/json?tree=building,result", "GET /job/ops/job/restart%20it/3/consoleText"],
                ("authorization", BASIC), b"pod=web-1&grace=30", "Finished: SUCCESS"),
    "github": (GITHUB, [{"workflow_run_id": 99, "html_url": "https://github.com/acme/ops/actions/runs/99"}, {"status": "in_progress"},
                        {"status": "completed", "conclusion": "success"}, {"jobs": [{"name": "restart", "conclusion": "success"}]}],
               ["POST /repos/acme/ops/actions/workflows/restart.yaml/dispatches", "GET /repos/acme/ops/actions/runs/99",
                "GET /repos/acme/ops/actions/runs/99", "GET /repos/acme/ops/actions/runs/99/jobs?per_page=100"],
               ("authorization", BEARER), {"ref": "main", "inputs": {"pod": "web-1", "grace": "30"}, "return_run_details": True},
               "restart: success"),
}
FAILED = {"awx": [{"job": 12}, {"status": "failed", "job_explanation": "no host"}, "x"],
          "rundeck": [{"id": 5}, {"status": "aborted"}, "x"],
          "jenkins": [Reply(201, headers={"Location": "/queue/item/9/"}), {"cancelled": True}],
          "github": [{"workflow_run_id": 99}, {"status": "completed", "conclusion": "failure"}, {"jobs": []}]}
STOPPED = {"awx": "POST /api/v2/jobs/12/cancel/", "rundeck": "POST /api/41/execution/5/abort",
           "jenkins": "POST /queue/cancelItem?id=9", "github": "POST /repos/acme/ops/actions/runs/99/cancel"}
# The two others: the generic webhook, followed at its Location, and Amazon; their fields, and answers like the above.
HOOK = {"url": "{url}/run", "headers": {"Authorization": "Bearer {{ secret.token }}"}}
SSM = {"instances": "i-0123456789abcdef0"}
SIX = {**{slug: known[:2] for slug, known in GOOD.items()},
       "webhook": (HOOK, [Reply(202, headers={"Location": "/jobs/1"}), {"status": "running"},
                          {"status": "succeeded", "output": "done"}]),
       "aws-ssm": (SSM, [{"Command": {"CommandId": "c-1"}}, {"Commands": [{"CommandId": "c-1", "Status": "InProgress"}]},
                         {"Commands": [{"CommandId": "c-1", "Status": "Success", "InstanceIds": ["i-0123456789abcdef0"]}]},
                         {"Status": "Success", "StandardOutputContent": "done"}])}
AMAZON = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


def reply(said):
    if isinstance(said, Reply):
        return said
    return Reply(200, said.encode() if isinstance(said, str) else json.dumps(said).encode())
