#include "weir/http/headers.hpp"
