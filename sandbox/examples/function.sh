#!/bin/sh
# A function: the `bootstrap` of a custom runtime, which returns the payload of each invocation.
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
head="$TMPDIR/head"
while payload=$(curl -sS -D "$head" "$api/next"); do
    id=$(tr -d '\r' < "$head" | sed -n 's/^lambda-runtime-aws-request-id: //Ip')
    echo "invoked with $payload"
    curl -sS -o /dev/null "$api/$id/response" -d "$payload"
done
