// Everything that a service includes: #include <weir/weir.hpp>
#pragma once

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"
#include "weir/json/json.hpp"
#include "weir/json/value.hpp"
#include "weir/middleware/compression.hpp"
#include "weir/middleware/cors.hpp"
#include "weir/middleware/etag.hpp"
#include "weir/middleware/jwt.hpp"
#include "weir/middleware/rate_limit.hpp"
#include "weir/runtime/blocking_pool.hpp"
#include "weir/web/broadcast.hpp"
#include "weir/web/params.hpp"
#include "weir/web/response.hpp"
#include "weir/web/sse.hpp"
