# Reads what `cargo test --no-fail-fast` printed, standard output and error in one stream, and prints one line for each failure:
# how to run it again (arguments of `cargo test`), a tab, and what
# failed. It says nothing that it does not know: a test program that did not name all of its failed tests, or named fewer than
# it counted, is printed as a whole, too.
#
# Test programs name their failed tests after the last line `failures:` before their `test result:`; cargo then says how to run
# that program again.

{
  sub(/\r$/, "")
  gsub(/\033\[[0-9;]*m/, "")
}

# A test program starts.
/^ +(Running|Doc-tests) / { forget() }

/^failures:$/ { count = 0; listing = 1; next }

listing && /^    [^ ]/ { names[++count] = substr($0, 5); next }

listing && $0 != "" { listing = 0 }

/^test result: FAILED\./ {
  listing = 0
  failed = $0
  sub(/^.* passed; /, "", failed)
  sub(/ failed;.*$/, "", failed)
  is_told = (failed + 0 == count)
}

/^error: (test|doctest) failed, to rerun pass `.*`$/ {
  target = $0
  sub(/^[^`]*`/, "", target)
  sub(/`$/, "", target)
  for (i = 1; i <= count; i++) print target " " quoted(names[i]) " -- --exact\t" names[i]
  if (!is_told) print target "\ta test program that did not name all of its failed tests"
  forget()
}

/^error: could not compile `/ {
  crate = $0
  sub(/^[^`]*`/, "", crate)
  sub(/`.*$/, "", crate)
  if (!(crate in uncompiled)) print "-p " crate "\t" crate " does not compile"
  uncompiled[crate] = 1
}

function forget() {
  count = 0
  listing = 0
  is_told = 0
}

# Names of documentation tests have spaces.
function quoted(name) {
  return name ~ /^[A-Za-z0-9_:]+$/ ? name : "'" name "'"
}
