//! What `--help` says after the options: examples and exit codes.

pub(super) const LIST: &str = "\
Examples:
  dragoman keys list
  dragoman keys list --json | jq '.[] | select(.notes != [])'

States: live; replaced, which works until it expires; expired; revoked; static, of the configuration.
Notes on live keys: old, made over 365 days ago; unused, never or not for 90 days; expiring, within
14 days. Last uses are written about once a minute, and not for static keys.

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults";

pub(super) const REVOKE: &str = "\
Examples:
  dragoman keys revoke crm

Exit codes:
  0   done
  1   it failed, or no live key has the name
  64  the command line or the configuration has faults; nothing was done";

pub(super) const ROTATE: &str = "\
Examples:
  dragoman keys rotate crm
  dragoman keys rotate crm --overlap 30d --expires 365d
  dragoman keys rotate crm --overlap 0s
  KEY=$(dragoman keys rotate crm --overlap 12h)

The new key alone goes to standard output, and is shown this once only. It may do what the one
before may; that one works until the overlap ends or it expires. During an overlap a key is not
rotated again, since that would end the oldest secret early: --overlap 0s does, for a key that leaked.

Exit codes:
  0   done
  1   it failed; no live key has the name; it expired and --expires is missing; or two secrets are
      live already
  64  the command line or the configuration has faults; nothing was done";

pub(super) const EXAMPLES: &str = "\
Examples:
  dragoman                             serve as ./routes.toml says, or as built in without it
  dragoman --listen 127.0.0.1:0        serve on a free port, which is printed
  dragoman check --config routes.toml  say what is wrong with a file
  dragoman keys create --name crm      make an API key

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults; nothing was done

Over the configuration file stand DRAGOMAN__SECTION__KEY environment variables, over those the flags.";

pub(super) const SERVE: &str = "\
Examples:
  dragoman serve --config /etc/dragoman/routes.toml
  dragoman serve --listen 0.0.0.0:8080 --store sqlite:/var/lib/dragoman/dragoman.db

SIGTERM or SIGINT drains: what is in flight is finished. A second one ends at once.

Exit codes:
  0    drained after a signal
  1    it failed, or the drain's deadline cut something off
  64   the command line or the configuration has faults; nothing was bound
  130  ended at once by a second signal, SIGINT; 143 by SIGTERM";

pub(super) const CHECK: &str = "\
Examples:
  dragoman check
  dragoman check --config /etc/dragoman/routes.toml && systemctl restart dragoman
  dragoman check --suggest >> routes.toml
  dragoman check --connect             before the first call, and after a change of a password
  dragoman check --no-secrets          in CI, where the files of secrets are missing

For a route with an upstream it also says which commands and fields that one cannot express, and what
becomes of them. --suggest prints nothing but the lines that let calls with such fields through: kept
here where there is a store and an upstream to read them with, else left out with a warning.

--connect sends one call to each upstream, once, so that no login is locked: b2evolution is asked for
one user, Vision6 for the number of users (for the time zones where there is no account), and Grupo,
which answers no question, for an update of a user that is not there. It says that there is no such
user if it takes the key.

Exit codes:
  0   no fault: the routes are on standard output, one line each
  1   --connect: an upstream cannot be reached or refuses the credentials
  64  faults: all of them are on standard error, one line each";

pub(super) const KEYS: &str = "\
Examples:
  dragoman keys create --name crm --scope user:read --scope user:write
  dragoman keys list
  dragoman keys rotate crm --overlap 7d
  dragoman keys revoke crm

A running gateway that uses the same store follows within a second.

Exit codes:
  0   done
  1   it failed
  64  the command line or the configuration has faults; nothing was done";

pub(super) const CREATE: &str = "\
Examples:
  dragoman keys create --name crm
  dragoman keys create --name report --scope user:read --account 7 --expires 90d
  dragoman keys create --name forum --route b2evolution
  KEY=$(dragoman keys create --name crm)

The key alone goes to standard output, and is shown this once only.

Scopes:
  user:read     get, list and count users
  user:write    create and change users
  user:delete   delete users
  user.role     change roles and what else gives rights, and how an administrator signs in
  user.level    change levels
  group:read    get and list groups
  group:write   create and change groups
  group:delete  delete groups
  member:write  add, change, ban and remove members
  user:*, group:*, member:*
                all of them that begin so
  native.OPERATION
                one operation that has no other name here, such as native.add=message

Exit codes:
  0   done
  1   it failed, or the name is taken
  64  the command line or the configuration has faults; nothing was done";

pub(super) const IMPORT: &str = "\
Examples:
  dragoman keys import --name legacy < legacy-key.txt
  printf %s \"$LEGACY_KEY\" | dragoman keys import --name legacy --scope user:write

Clients that have a key of the legacy system keep it. One newline at the end is not part of it.
`dragoman keys create --help` lists the scopes.

Exit codes:
  0   done
  1   it failed, or the name or the key is taken
  64  the key is too short, or the command line or the configuration has faults";

pub(super) const STORE: &str = "\
Examples:
  dragoman store backup /backup/dragoman-$(date +%F).db
  dragoman store check --json
  dragoman store restore --force /backup/dragoman-2030-01-31.db

The pepper (auth.pepper_file) is in no backup: keep a copy of it, in another place.

Exit codes:
  0   done
  1   it failed, or the store has faults
  64  the command line or the configuration has faults; nothing was done";

pub(super) const BACKUP: &str = "\
Examples:
  dragoman store backup /backup/dragoman-$(date +%F).db
  dragoman store backup --store sqlite:/var/lib/dragoman/dragoman.db /backup/dragoman.db

A running gateway goes on meanwhile. The file appears under its name when it is whole, synced and
checked; it is for its owner only and replaces nothing. The pepper is not in it: keep a copy of
that too, in another place.

Exit codes:
  0   done
  1   it failed; there is no file of that name, or the one that was there
  64  the command line or the configuration has faults; nothing was done";

pub(super) const RESTORE: &str = "\
Examples:
  dragoman store restore /backup/dragoman-2030-01-31.db
  dragoman store restore --force data/dragoman.db.schema-1-20300131T235959Z

Stop the gateway first. The backup is checked before anything is touched, and stays as it is. The
store that was there is kept beside it as NAME.replaced-TIME. Keys work again if the pepper is the
one they were made under, which is in no backup.

Exit codes:
  0   done
  1   it failed, or the store is in use, or there is one and --force is not given
  64  the command line or the configuration has faults; nothing was done";

pub(super) const CHECK_STORE: &str = "\
Examples:
  dragoman store check
  dragoman store check --json

Every page and every reference is read, and nothing is changed. A running gateway goes on meanwhile.
Usernames that are the e-mail address of another user, which older versions took, are faults too.

Exit codes:
  0   no fault
  1   faults: one line each on standard error, or under \"faults\" with --json
  64  the command line or the configuration has faults; nothing was done";

pub(super) const HEALTH: &str = "\
Examples:
  dragoman health
  dragoman health --admin 127.0.0.1:9901
  HEALTHCHECK CMD [\"dragoman\", \"health\"]

Exit codes:
  0   ready
  1   not ready, or nobody answers
  64  the command line has faults";

pub(super) const EXPLAIN: &str = "\
Examples:
  dragoman explain call.http
  printf 'POST /api_request/ HTTP/1.1\\n\\n%s' \"$BODY\" | dragoman explain -
  dragoman explain call.http --json | jq -r '.calls[].upstream.request'

It says which route answers in which dialect, what is asked, where the credential was, whose it is as
far as keys can be read, what scopes it needs, where the command goes, what an upstream has no place
for, what is kept here, and the first request to it, with *** for secrets. A fault is shown as the
caller gets it. Nothing is sent or written. What depends on users, groups, earlier calls and the
crosswalk is not looked at.

Lines end with CRLF or LF. The body has Content-Length bytes, or goes to the end of the file.

Keys of --json: refused, remarks, route {name, dialect, host, path}, calls [{action, operation, account,
user, group, credential {place, form}, principal, scopes, target, lost [{field, rule}], kept,
answered_here, upstream {name, dialect, effect, request, more, at_risk}, refusal {kind, messages}}],
answer {status, body}.
What is not known or does not apply is null; numbers is there only where callers have their own.

Exit codes:
  0   it is understood, and nothing of it is refused as far as that can be known
  1   no route answers it, or some of it would be refused; or it failed
  64  the command line, the configuration or the capture has faults";
