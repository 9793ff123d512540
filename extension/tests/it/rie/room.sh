# Provides namespaces for AWS's emulator: Lambda's fixed paths exist in them, and the machine's own files stay
# unchanged. All processes end with this script, because it is the first process of its namespace.
#
# $1 emulator  $2 extension, or a layer that holds it  $3 function  $4 name of the extension's file  $5 its text  $6 text of the bootstrap
# $7 address of the APIs  $8 address for invocations  and then variables, NAME=VALUE each
set -e
exec 2>&1
mount -t tmpfs none /var
mkdir /var/task
install -m 755 "$1" /var/emulator
install -m 755 "$3" /var/function
mount -t tmpfs none /opt
case $2 in
*.zip) unzip -q "$2" -d /opt ;;
*)
    install -m 755 "$2" /var/extension
    mkdir /opt/extensions
    printf %s "$5" >"/opt/extensions/$4"
    chmod 755 "/opt/extensions/$4"
    ;;
esac
printf %s "$6" >/var/task/bootstrap
chmod 755 /var/task/bootstrap
mount -t tmpfs -o mode=1777 none /tmp
cd /var/task
apis=$7 invocations=$8
shift 8
exec 3<&0
env -i PATH=/usr/local/bin:/usr/bin:/bin "$@" /var/emulator --runtime-api-address "$apis" \
    --runtime-interface-emulator-address "$invocations" /var/task/bootstrap 3<&- </dev/null &
emulator=$!
# A line on the pipe ends the emulator, and so does its end when the test has gone.
{
    read -r _ <&3 || :
    kill -TERM "$emulator"
    sleep 20
    kill -KILL "$emulator"
} &
wait "$emulator"
