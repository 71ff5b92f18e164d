#!/bin/sh
# Verifies the card of this machine and times it: verify.sh [--part NAME] [--budget 9m] [--json FILE]
# Results are written to verify.json as they come; started again, it goes on where it stopped. Where python3 has PyTorch,
# the same work is timed with it, on the same card, into verify-pytorch.json. Exit status 0 only if all passed.
here=$(CDPATH='' cd -P "$(dirname "$0")" && pwd)
json=verify.json
parts=
previous=
for argument in "$@"; do
    case $previous in
        --json) json=$argument ;;
        --part) parts="$parts $argument" ;;
    esac
    case $argument in
        --json=*) json=${argument#*=} ;;
        --part=*) parts="$parts ${argument#*=}" ;;
    esac
    previous=$argument
done
case " ${parts:-speed} " in
    *" speed "*) speed=yes ;;
    *) speed=no ;;
esac
"$here/adjoint" verify --device cuda "$@"
status=$?
if [ $speed = yes ] && command -v python3 > /dev/null && python3 -c 'import torch' 2> /dev/null; then
    python3 "$here/verify_pytorch.py" "$(dirname "$json")/$(basename "$json" .json)-pytorch.json"
fi
exit $status
