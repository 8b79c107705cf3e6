// Everything that a service includes: #include <weir/weir.hpp>
#pragma once

#include <version>

// One sentence instead of the pages of errors that an older compiler or standard would have about the headers below.
#ifndef __cpp_lib_expected
#error "Weir needs C++23 (-std=c++23, which weir::weir brings in CMake) and g++ 12, or clang 19 with libstdc++ 12"
#else

#include "weir/app/app.hpp"
#include "weir/app/test_client.hpp"
#include "weir/app/test_websocket.hpp"
#include "weir/http/cookie.hpp"
#include "weir/json/json.hpp"
#include "weir/json/value.hpp"
#include "weir/middleware/compression.hpp"
#include "weir/middleware/cors.hpp"
#include "weir/middleware/etag.hpp"
#include "weir/middleware/jwt.hpp"
#include "weir/middleware/rate_limit.hpp"
#include "weir/middleware/redirect_to_https.hpp"
#include "weir/runtime/blocking_pool.hpp"
#include "weir/web/broadcast.hpp"
#include "weir/web/conditional.hpp"
#include "weir/web/multipart.hpp"
#include "weir/web/multipart_form.hpp"
#include "weir/web/params.hpp"
#include "weir/web/response.hpp"
#include "weir/web/resumable_upload.hpp"
#include "weir/web/sse.hpp"
#include "weir/web/static_files.hpp"
#include "weir/web/topics.hpp"
#include "weir/web/websocket.hpp"

#endif
