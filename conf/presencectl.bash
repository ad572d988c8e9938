# SPDX-License-Identifier: MIT
# Completion of presencectl in bash: commands, options as --help names them, and the words that options take.

_presencectl_command() {
    local word skip=
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        if [[ -n $skip ]]; then
            skip=
            continue
        fi
        case $word in
        --json | --insecure | --all | --snapshot | --ask | --help | --version) ;;
        --*) skip=yes ;;
        *)
            echo "$word"
            return
            ;;
        esac
    done
}

_presencectl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command words
    command=$(_presencectl_command)
    COMPREPLY=()
    case $previous in
    --token-file | --config | --ca-file | --control | --body | --file)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --state) words='online push_online offline' ;;
    --platform | --kicked) words='iOS Android Web Windows iPad Mac Linux' ;;
    --status | --app | --since | --limit | --user | --url | --token | --reason | --custom-status | --count | --rate)
        return
        ;;
    *)
        case $command in
        '') words=$(presencectl --help 2>/dev/null | sed -nE 's/^  ([a-z-]+) .*/\1/p') ;;
        trigger) words='login logout disconnect custom-status kick' ;;
        log-level) words='error warning notice info debug' ;;
        esac
        if [[ $current == -* ]]; then
            words=$(presencectl ${command:+"$command"} --help 2>/dev/null | sed -nE 's/^  (--[a-z-]+).*/\1/p')
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _presencectl presencectl
