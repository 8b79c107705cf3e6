-- Prints what a run measured as one line of JSON, which tools/bench reads. Runs once, after the load.
function done(summary, latency, requests)
  local line = '{"requests":%d,"bytes":%d,"duration_us":%d,"errors":%d,"status_errors":%d,'
    .. '"connect":%d,"read":%d,"write":%d,"timeout":%d,'
    .. '"p50_us":%d,"p90_us":%d,"p99_us":%d,"p999_us":%d,"max_us":%d}'
  local errors = summary.errors
  print("@@" .. line:format(summary.requests, summary.bytes, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout, errors.status,
    errors.connect, errors.read, errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99),
    latency:percentile(99.9), latency.max))
end
