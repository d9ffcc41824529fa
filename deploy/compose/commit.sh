#!/bin/sh
# usage: commit.sh GIT_DIR [COMMIT]
#
# Prints the short name of the commit: of COMMIT, or of what is checked out as GIT_DIR tells. There is no git where
# images are built, and of GIT_DIR only the names.
set -eu

git=$1
commit=${2:-}
if [ -z "$commit" ] && [ -f "$git/HEAD" ]; then
    read -r head < "$git/HEAD"
    case $head in
        'ref: '*)
            ref=${head#ref: }
            if [ -f "$git/$ref" ]; then
                read -r commit < "$git/$ref"
            elif [ -f "$git/packed-refs" ]; then
                commit=$(sed -n "s|^\([0-9a-f]*\) $ref\$|\1|p" "$git/packed-refs")
            fi
            ;;
        *) commit=$head ;;
    esac
fi
# The full name is shortened as git shortens it, anything else is the builder's word.
case $commit in
    '') echo unknown ;;
    *[!0-9a-f]*) echo "$commit" ;;
    *) echo "$commit" | cut -c1-7 ;;
esac
