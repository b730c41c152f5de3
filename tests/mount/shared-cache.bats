# Several processes over one cache, killed and ended at random moments. `tests/stress/shared-cache` alone plays 200 rounds.

load lib

@test "processes that die in first passes leave no wrong byte in the cache they share" {
  timeout 600 "$TESTS/stress/shared-cache" 5 1 3>&- 4>&-
}
