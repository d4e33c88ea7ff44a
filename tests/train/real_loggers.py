#!/usr/bin/env python3
"""real_loggers.py VOS_TRAIN: what a training sends, against the real things.

A tiny network trains for some steps and is killed, goes on, and is sent later to whom it could not reach. Then the real
readers are asked what they have: an MLflow server and a Visdom server from pip, TensorBoard's own reader, and, as ClearML's
server is none that pip brings, the request classes of its official client, which every request must satisfy.

The Python that runs this, or the one that VOS_LOGGERS_PYTHON names, needs mlflow, visdom, clearml and tensorboard; what it lacks
is skipped, saying so."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

if (other := os.environ.get("VOS_LOGGERS_PYTHON")) and Path(other).absolute() != Path(sys.executable).absolute():
    os.execv(other, [other, __file__, *sys.argv[1:]])

TRAINER = [str(Path(sys.argv[1]).absolute())]
EPOCHS, STEPS = 2, 6
MODEL = ["--model", "vita-tcovis-tiny", "--dataset", "synthetic:train", "--batch_size", "1", "--seed", "3", f"steps_per_epoch={STEPS}",
         "data.validation_clips=1", "data.validation_frames=4", "data.workers=0", "log.every=1", "--project_name", "vos test"]
passed = failed = 0


def check(truth, what):
    global passed, failed
    passed, failed = passed + bool(truth), failed + (not truth)
    print(("ok      " if truth else "FAILED  ") + what, flush=True)


def skipped(what):
    print(f"[skipped] {what} is not installed here: pip install {what}", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process, which answers when this is made and is gone at the end."""

    def __init__(self, command, url, folder, name):
        self.log = open(folder / f"{name}.log", "w")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=folder, start_new_session=True)
        end = time.monotonic() + 300
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(url, timeout=5).read()
                return
            except urllib.error.HTTPError:
                return  # it answers: Visdom's page lacks its scripts, which it fetches from the network
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.2)
        self.close()
        raise SystemExit(f"{name} does not start:\n" + (folder / f"{name}.log").read_text()[-3000:])

    def close(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


class ClearmlServer:
    """Answers like ClearML's server, and holds every request against the class that the official client has for it."""

    def __init__(self):
        from clearml.backend_api.services.v2_13 import auth, events, projects, tasks
        modules = {"auth": auth, "events": events, "projects": projects, "tasks": tasks}
        self.faults, self.calls, self.events, self.files = [], [], [], {}
        outer = self

        def held_against(service, action, body):
            name = "".join(part.capitalize() for part in action.split("_")) + "Request"
            kind = getattr(modules[service], name)
            if action == "add_batch":
                for line in body.decode().splitlines():
                    event = json.loads(line)
                    event_kind = {"training_stats_scalar": events.MetricsScalarEvent, "training_debug_image": events.MetricsImageEvent,
                                  "log": events.TaskLogEvent}[event["type"]]
                    made = event_kind(**{key: value for key, value in event.items() if key != "type"})
                    made.validate({**event_kind._schema, "definitions": events.AddRequest._schema["definitions"]})
                    unknown = set(event) - set(event_kind._schema["properties"])
                    if unknown:
                        raise ValueError(f"unknown {unknown}")
                    outer.events.append(event)
                return None
            given = json.loads(body or b"{}")
            unknown = set(given) - set(kind._schema.get("properties", {}))
            if unknown:
                raise ValueError(f"unknown {unknown}")
            kind(**given).validate()
            return given

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path.startswith("/files"):
                    outer.files[self.path] = (self.headers["Content-Type"], body)
                    return self.answer({})
                _, version, call = self.path.split("/")
                service, action = call.split(".")
                expected = "Basic " if call == "auth.login" else "Bearer a.token"
                if version != "v2.13" or not self.headers["Authorization"].startswith(expected):
                    outer.faults.append(f"{self.path}: {self.headers['Authorization']}")
                try:
                    outer.calls.append((call, held_against(service, action, body)))
                except Exception as fault:  # whatever the client's classes throw
                    outer.faults.append(f"{call}: {fault!r}: {body[:300]!r}")
                self.answer({"auth.login": {"token": "a.token"}, "projects.get_all": {"projects": []}, "projects.create": {"id": "p" * 32},
                             "tasks.create": {"id": "f" * 32}, "tasks.get_by_id": {"task": {"id": "f" * 32, "project": "p" * 32}},
                             "events.add_batch": {"added": 1, "errors": 0}}.get(call, {"updated": 1}))

            def answer(self, data):
                text = json.dumps({"meta": {"result_code": 200}, "data": data}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


def train(arguments, kill_after=None):
    """Trains; where a step is named, it is killed once that is in its log."""
    environment = {**os.environ, "OMP_NUM_THREADS": "2", **ACCESS}
    run = Path(arguments[arguments.index("--run_dir" if "--run_dir" in arguments else "--resume") + 1])
    process = subprocess.Popen([*TRAINER, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if kill_after:
        log = run / "log.jsonl"
        while process.poll() is None and not (log.exists() and f'"step":{kill_after},' in log.read_text()):
            time.sleep(0.01)
        time.sleep(3)  # so that some of it was sent, and more steps came
        process.kill()
    output = process.communicate()[0]
    if not kill_after and process.returncode != 0:
        print(output)
    return process.returncode, output


def send(run, *arguments):
    done = subprocess.run([*TRAINER, "send", str(run), *arguments], env={**os.environ, **ACCESS}, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def steps_of(run):
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return {line["step"]: line for line in lines if line["kind"] == "step"}, [line for line in lines if line["kind"] == "validation"]


def check_mlflow(url, run):
    from mlflow import MlflowClient
    client = MlflowClient(tracking_uri=url)
    found = client.search_runs([client.get_experiment_by_name("vos test").experiment_id])
    check(len(found) == 1, "MLflow has one run, though the training was killed and went on")
    steps, validations = steps_of(run)
    remote = found[0]
    history = client.get_metric_history(remote.info.run_id, "loss/all")
    check(sorted(point.step for point in history) == sorted(steps), "MLflow has the loss of every step, once each")
    check(all(abs(point.value - steps[point.step]["loss"]) <= 1e-12 for point in history), "and it is the loss of the log")
    check(all(abs(point.timestamp / 1000 - steps[point.step]["time"]) < 0.01 for point in history if point.step > STEPS),
          "at the times of the log")
    check(remote.data.params["optim.lr"] and remote.data.params["seed"] == "3", "MLflow has the settings")
    check(remote.data.metrics["validation/IDF1"] == validations[-1]["metrics"]["IDF1"], "and the last validation")
    check(remote.info.status == "FINISHED" and remote.info.end_time, "and knows that the run is finished")
    pictures = [each.path for each in client.list_artifacts(remote.info.run_id, "images")]
    kept = list((run / "pictures").glob("step_*/*.png"))
    check(bool(pictures) == bool(kept), f"and {len(pictures)} files of pictures")


def check_visdom(url, run):
    state = json.loads(next(Path(run.parent / "visdom").glob(f"{run.name}.json")).read_text())["jsons"]
    steps, _ = steps_of(run)
    lines = {trace["name"]: trace for trace in state["loss"]["content"]["data"]}
    check(sorted(set(lines["all"]["x"])) == sorted(steps), "Visdom has the loss of every step")
    check(state["settings"]["type"] == "text" and "optim.lr" in state["settings"]["content"], "and the settings")
    check("IDF1" in {trace["name"] for trace in state["validation"]["content"]["data"]}, "and the validation")
    check("finished" in state["about"]["content"], "and knows that the run is finished")


def check_clearml(server, run):
    steps, _ = steps_of(run)
    check(not server.faults, "ClearML's own classes take every request" + "".join(f"\n        {fault}" for fault in server.faults[:5]))
    losses = [event["iter"] for event in server.events if event.get("metric") == "loss" and event.get("variant") == "all"]
    check(set(losses) == set(steps), "ClearML has the loss of every step")
    calls = [call for call, _ in server.calls if call.startswith("tasks.")]
    check(calls.count("tasks.create") == 1 and "tasks.edit_hyper_params" in calls and calls[-1] == "tasks.completed",
          "one task with its settings, completed in the end")
    check(all(body.startswith(b"--") and b"\x89PNG" in body for _, body in server.files.values()), f"{len(server.files)} pictures")


def check_tensorboard(run):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    steps, _ = steps_of(run)
    values = {event.step: event.value for event in events.Scalars("loss")}
    check(sorted(values) == sorted(steps), "TensorBoard reads the loss of every step")
    check(all(abs(values[step] - line["loss"]) <= 1e-6 * abs(line["loss"]) for step, line in steps.items()), "as it is in the log")
    check("validation/IDF1" in events.Tags()["scalars"], "and the validation")


def main():
    global ACCESS
    with tempfile.TemporaryDirectory(prefix="vos-loggers-") as name:
        folder, servers, settings = Path(name), [], []
        run, ACCESS, clearml = folder / "run", {}, None
        try:
            if find_spec("visdom"):
                visdom = f"http://127.0.0.1:{(port := free_port())}"
                # Its own start would first fetch scripts for its page from the network.
                start = "from visdom.server.run_server import main; main()"
                servers.append(Server([sys.executable, "-c", start, "-port", str(port), "-env_path", str(folder / "visdom")], visdom,
                                      folder, "visdom"))
                settings.append(f"log.visdom={visdom}")
            else:
                skipped("visdom")
            if find_spec("clearml"):
                clearml = ClearmlServer()
                ACCESS = {"CLEARML_API_HOST": clearml.url, "CLEARML_FILES_HOST": clearml.url + "/files", "CLEARML_WEB_HOST": clearml.url,
                          "CLEARML_API_ACCESS_KEY": "a key", "CLEARML_API_SECRET_KEY": "a secret"}
                settings.append("--enable_clearml")
            else:
                skipped("clearml")
            with_mlflow = find_spec("mlflow")
            mlflow = f"http://127.0.0.1:{(port := free_port())}"
            if with_mlflow:
                settings.append(f"log.mlflow={mlflow}")  # which is not there yet
            else:
                skipped("mlflow")

            train([*MODEL, *settings, "--epochs", "1", "--run_dir", str(run)], kill_after=3)
            check(run.exists(), "a run that was killed leaves its folder")
            status, output = train(["--resume", str(run), "--epochs", str(EPOCHS)])
            check(status == 0, "it goes on to its end without a server that it was to be sent to")
            if with_mlflow:
                check(output.count("mlflow is not there") == 1 and "vos-train send" in output, "which it says once")
                servers.append(Server([sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
                                       "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination",
                                       str(folder / "artifacts")], mlflow + "/health", folder, "mlflow"))
                for _ in range(2):  # the second time it has it all
                    status, output = send(run, "--to", "mlflow")
                    check(status == 0, "it is sent later")
                check("has it all" in output, "and not twice")
                check_mlflow(mlflow, run)
            if find_spec("visdom"):
                check_visdom(visdom, run)
            if clearml:
                check_clearml(clearml, run)
            if find_spec("tensorboard"):
                check_tensorboard(run)
            else:
                skipped("tensorboard")
        finally:
            for server in servers:
                server.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
