#!/bin/sh
# An extension: registers, and waits for events until Lambda shuts the environment down.
api="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
id=$(curl -sS -o /dev/null -D - "$api/register" -H "Lambda-Extension-Name: $(basename "$0")" \
    -d '{"events": ["INVOKE", "SHUTDOWN"]}' |
    tr -d '\r' | sed -n 's/^lambda-extension-identifier: //Ip')
while event=$(curl -sS "$api/event/next" -H "Lambda-Extension-Identifier: $id"); do
    echo "event: $event"
    case $event in *SHUTDOWN*) exit 0 ;; esac
done
