#include "weir/http/problem.hpp"
