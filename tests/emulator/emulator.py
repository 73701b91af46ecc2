"""ministack 1.5.33 with the gaps closed that matter to a provisioner of IAM, STS, SNS, SQS and API Gateway v1.

    python emulator.py          # README.md has the switches

No file of ministack is changed: every gap is closed by replacing functions and stores in this process,
and those are private ones, hence the pinned version.
"""
import importlib.metadata
import os
import sys
import threading

sys.dont_write_bytecode = True
MINISTACK = "1.5.33"


def end_with_stdin():
    """Ends this process when its standard input does: with whoever started it, however that one ended."""
    def wait():
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def main():
    if os.environ.get("EMULATOR_END_WITH_STDIN") == "1":
        end_with_stdin()
    try:
        found = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        found = "none"
    if found != MINISTACK:
        sys.exit(f"emulator: needs ministack=={MINISTACK}, found {found}")
    # ministack reads its environment when it is imported.
    os.environ.setdefault("BIND_HOST", "127.0.0.1")
    os.environ.setdefault("MINISTACK_HOST", "localhost")
    os.environ.setdefault("IOT_MTLS_ENABLED", "0")
    os.environ.setdefault("SFTP_ENABLED", "0")
    if os.environ.get("EMULATOR_WRITE_THROUGH") == "1":
        os.environ.setdefault("PERSIST_STATE", "1")
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

    import ministack.app
    from gaps import apigateway, control, evaluation, iam, kms, organizations, sns, sqs, state, tagging

    for module in (evaluation, iam, kms, organizations, sns, sqs, apigateway, tagging, state, control):
        module.install()
    ministack.app.main()


if __name__ == "__main__":
    main()
