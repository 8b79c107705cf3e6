#include "weir/http1/parser.hpp"

#include "weir/http1/serializer.hpp"
