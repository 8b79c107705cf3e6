// Everything that a service includes: #include <weir/weir.hpp>
#pragma once

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"
#include "weir/json/json.hpp"
#include "weir/runtime/blocking_pool.hpp"
#include "weir/web/broadcast.hpp"
#include "weir/web/params.hpp"
#include "weir/web/response.hpp"
#include "weir/web/sse.hpp"
