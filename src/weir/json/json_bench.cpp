// Parse + bind + validate + write of one order of about 1 KB: Weir's tables against what one writes by hand with
// RapidJSON (its DOM in a pool that is reused) and with nlohmann-json. All three read the same text
// into the same struct, check the same rules, and write it again.
#include <benchmark/benchmark.h>
#include <nlohmann/json.hpp>

// RapidJSON 1.1 assigns to a const member, which clang 19 no longer compiles.
#ifndef __clang__
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#endif

#include "weir/json/json.hpp"

namespace {

struct Message {
  std::string message;
};

struct Address {
  std::string street;
  std::string city;
  std::string zip;
  std::string country;

  static constexpr auto rules = weir::rules<Address>(weir::field<&Address::street>().min_length(1).max_length(100),
                                                     weir::field<&Address::city>().min_length(1).max_length(60),
                                                     weir::field<&Address::zip>().min_length(3).max_length(12),
                                                     weir::field<&Address::country>().min_length(2).max_length(2));
};

struct Item {
  std::string sku;
  int quantity = 0;
  double price = 0;
  bool gift = false;

  static constexpr auto rules =
      weir::rules<Item>(weir::field<&Item::sku>().min_length(4).max_length(20),
                        weir::field<&Item::quantity>().min(1).max(1000), weir::field<&Item::price>().min(0));
};

struct Order {
  std::int64_t id = 0;
  std::string customer;
  std::string email;
  std::optional<std::string> note;
  Address shipping;
  Address billing;
  std::vector<Item> items;
  std::vector<std::string> tags;
  double total = 0;
  bool express = false;

  static constexpr auto rules = weir::rules<Order>(
      weir::field<&Order::id>().min(1), weir::field<&Order::customer>().min_length(1).max_length(80),
      weir::field<&Order::email>().format(weir::format::email), weir::field<&Order::note>().max_length(500),
      weir::field<&Order::items>().min_items(1).max_items(100), weir::field<&Order::tags>().max_items(10),
      weir::field<&Order::total>().min(0));
};

constexpr std::string_view order_text =
    R"({"id":90071992547,"customer":"Ada Lovelace","email":"ada.lovelace@example.com","note":"Leave it at the back door, \"please\".",)"
    R"("shipping":{"street":"12 St James's Square","city":"London","zip":"SW1Y 4JH","country":"GB"},)"
    R"("billing":{"street":"Ockham Park, Ockham Lane","city":"Woking","zip":"GU23 6PQ","country":"GB"},)"
    R"("items":[{"sku":"WEIR-0001","quantity":2,"price":19.99,"gift":false},)"
    R"({"sku":"WEIR-0002","quantity":10,"price":4.5,"gift":true},{"sku":"CARD-1815","quantity":1,"price":128.25,"gift":false},)"
    R"({"sku":"GEAR-1842","quantity":36,"price":0.75,"gift":false},{"sku":"NOTE-1843","quantity":7,"price":12.4,"gift":true},)"
    R"({"sku":"LOOM-1801","quantity":1,"price":1899.0,"gift":false},{"sku":"PUNCH-0080","quantity":80,"price":0.05,"gift":false},)"
    R"({"sku":"BRASS-0042","quantity":12,"price":31.415,"gift":false},{"sku":"CRANK-0007","quantity":3,"price":64.0,"gift":true},)"
    R"({"sku":"PAPER-1843","quantity":500,"price":0.0125,"gift":false}],)"
    R"("tags":["analytical","engine","first-order","vip"],"total":2262.23,"express":true})";

/// What the hand-written versions check; the declared rules of Order say the same.
bool valid(const Address& a) {
  const auto within = [](const std::string& s, std::size_t min, std::size_t max) {
    return s.size() >= min && s.size() <= max;
  };
  return within(a.street, 1, 100) && within(a.city, 1, 60) && within(a.zip, 3, 12) && within(a.country, 2, 2);
}
bool valid_email(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == text.npos || at == 0 || at > 64 || text.size() > 254 || at + 1 == text.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool word =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!word && i != at && (i > at || std::string_view("!#$%&'*+/=?^_`{|}~").find(c) == std::string_view::npos))
      return false;
  }
  return true;
}
bool valid(const Order& order) {
  if (order.id < 1 || order.customer.empty() || order.customer.size() > 80 || !valid_email(order.email)) return false;
  if (order.note && order.note->size() > 500) return false;
  if (!valid(order.shipping) || !valid(order.billing) || order.items.empty() || order.items.size() > 100) return false;
  for (const auto& item : order.items) {
    if (item.sku.size() < 4 || item.sku.size() > 20 || item.quantity < 1 || item.quantity > 1000 || item.price < 0)
      return false;
  }
  return order.tags.size() <= 10 && order.total >= 0;
}

// --- RapidJSON by hand
// -------------------------------------------------------------------------------------------------

#ifndef __clang__
using RapidValue = rapidjson::Value;

bool get(const RapidValue& object, const char* name, std::string& out) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsString()) return false;
  out.assign(member->value.GetString(), member->value.GetStringLength());
  return true;
}
bool get(const RapidValue& object, const char* name, double& out) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsNumber()) return false;
  out = member->value.GetDouble();
  return true;
}
bool get(const RapidValue& object, const char* name, bool& out) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsBool()) return false;
  out = member->value.GetBool();
  return true;
}
bool get(const RapidValue& object, const char* name, int& out) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsInt()) return false;
  out = member->value.GetInt();
  return true;
}
bool get(const RapidValue& object, const char* name, Address& out) {
  const auto member = object.FindMember(name);
  if (member == object.MemberEnd() || !member->value.IsObject()) return false;
  return get(member->value, "street", out.street) && get(member->value, "city", out.city) &&
         get(member->value, "zip", out.zip) && get(member->value, "country", out.country);
}

/// `pool` is reused: what RapidJSON can do about allocations.
bool read_rapid(std::string_view text, char* pool, std::size_t pool_size, Order& out) {
  rapidjson::MemoryPoolAllocator<> allocator(pool, pool_size);
  rapidjson::Document document(&allocator);
  document.Parse<rapidjson::kParseValidateEncodingFlag | rapidjson::kParseFullPrecisionFlag>(text.data(), text.size());
  if (document.HasParseError() || !document.IsObject()) return false;
  const auto id = document.FindMember("id");
  if (id == document.MemberEnd() || !id->value.IsInt64()) return false;
  out.id = id->value.GetInt64();
  if (!get(document, "customer", out.customer) || !get(document, "email", out.email)) return false;
  if (std::string note; get(document, "note", note)) out.note = std::move(note);
  if (!get(document, "shipping", out.shipping) || !get(document, "billing", out.billing)) return false;
  const auto items = document.FindMember("items");
  if (items == document.MemberEnd() || !items->value.IsArray()) return false;
  for (const auto& from : items->value.GetArray()) {
    if (!from.IsObject()) return false;
    auto& item = out.items.emplace_back();
    if (!get(from, "sku", item.sku) || !get(from, "quantity", item.quantity) || !get(from, "price", item.price) ||
        !get(from, "gift", item.gift)) {
      return false;
    }
  }
  const auto tags = document.FindMember("tags");
  if (tags == document.MemberEnd() || !tags->value.IsArray()) return false;
  for (const auto& tag : tags->value.GetArray()) {
    if (!tag.IsString()) return false;
    out.tags.emplace_back(tag.GetString(), tag.GetStringLength());
  }
  return get(document, "total", out.total) && get(document, "express", out.express);
}

using RapidWriter = rapidjson::Writer<rapidjson::StringBuffer>;
void put(RapidWriter& w, std::string_view name, const std::string& text) {
  w.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  w.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}
void put(RapidWriter& w, const Address& a) {
  w.StartObject();
  put(w, "street", a.street);
  put(w, "city", a.city);
  put(w, "zip", a.zip);
  put(w, "country", a.country);
  w.EndObject();
}
void write_rapid(const Order& order, rapidjson::StringBuffer& out) {
  RapidWriter w(out);
  w.StartObject();
  w.Key("id");
  w.Int64(order.id);
  put(w, "customer", order.customer);
  put(w, "email", order.email);
  w.Key("note");
  if (order.note) {
    w.String(order.note->data(), static_cast<rapidjson::SizeType>(order.note->size()));
  } else {
    w.Null();
  }
  w.Key("shipping");
  put(w, order.shipping);
  w.Key("billing");
  put(w, order.billing);
  w.Key("items");
  w.StartArray();
  for (const auto& item : order.items) {
    w.StartObject();
    put(w, "sku", item.sku);
    w.Key("quantity");
    w.Int(item.quantity);
    w.Key("price");
    w.Double(item.price);
    w.Key("gift");
    w.Bool(item.gift);
    w.EndObject();
  }
  w.EndArray();
  w.Key("tags");
  w.StartArray();
  for (const auto& tag : order.tags) w.String(tag.data(), static_cast<rapidjson::SizeType>(tag.size()));
  w.EndArray();
  w.Key("total");
  w.Double(order.total);
  w.Key("express");
  w.Bool(order.express);
  w.EndObject();
}

#endif

// --- nlohmann-json
// -----------------------------------------------------------------------------------------------------

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Address, street, city, zip, country)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Item, sku, quantity, price, gift)

void to_json(nlohmann::json& to, const Order& o) {
  to = {{"id", o.id},          {"customer", o.customer}, {"email", o.email},
        {"note", nullptr},     {"shipping", o.shipping}, {"billing", o.billing},
        {"items", o.items},    {"tags", o.tags},         {"total", o.total},
        {"express", o.express}};
  if (o.note) to["note"] = *o.note;
}
void from_json(const nlohmann::json& from, Order& o) {
  from.at("id").get_to(o.id);
  from.at("customer").get_to(o.customer);
  from.at("email").get_to(o.email);
  if (const auto& note = from.at("note"); !note.is_null()) o.note = note.get<std::string>();
  from.at("shipping").get_to(o.shipping);
  from.at("billing").get_to(o.billing);
  from.at("items").get_to(o.items);
  from.at("tags").get_to(o.tags);
  from.at("total").get_to(o.total);
  from.at("express").get_to(o.express);
}

// --- benchmarks
// --------------------------------------------------------------------------------------------------------

void BM_Order_Weir(benchmark::State& state) {
  weir::Buffer out;
  for (auto _ : state) {
    Order order;
    if (!weir::json::read(order_text, order)) state.SkipWithError("refused");
    out.clear();
    weir::json::write(order, out);
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["in"] = static_cast<double>(order_text.size());
  state.counters["out"] = static_cast<double>(out.size());
}
BENCHMARK(BM_Order_Weir);

#ifndef __clang__
void BM_Order_RapidJson(benchmark::State& state) {
  std::vector<char> pool(64 * 1024);
  rapidjson::StringBuffer out;
  for (auto _ : state) {
    Order order;
    if (!read_rapid(order_text, pool.data(), pool.size(), order) || !valid(order)) state.SkipWithError("refused");
    out.Clear();
    write_rapid(order, out);
    benchmark::DoNotOptimize(out.GetString());
  }
  state.counters["out"] = static_cast<double>(out.GetSize());
}
BENCHMARK(BM_Order_RapidJson);
#endif

void BM_Order_Nlohmann(benchmark::State& state) {
  std::size_t size = 0;
  for (auto _ : state) {
    const Order order = nlohmann::json::parse(order_text).get<Order>();
    if (!valid(order)) state.SkipWithError("refused");
    const std::string out = nlohmann::json(order).dump();
    size = out.size();
    benchmark::DoNotOptimize(out.data());
  }
  state.counters["out"] = static_cast<double>(size);
}
BENCHMARK(BM_Order_Nlohmann);

void BM_Read_Weir(benchmark::State& state) {
  for (auto _ : state) {
    Order order;
    if (!weir::json::read(order_text, order)) state.SkipWithError("refused");
    benchmark::DoNotOptimize(order);
  }
}
BENCHMARK(BM_Read_Weir);

void BM_Write_Weir(benchmark::State& state) {
  Order order;
  if (!weir::json::read(order_text, order)) state.SkipWithError("refused");
  weir::Buffer out;
  for (auto _ : state) {
    out.clear();
    weir::json::write(order, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_Write_Weir);

void BM_WriteTiny_Weir(benchmark::State& state) {
  const Message message{"Hello, World!"};
  weir::Buffer out;
  for (auto _ : state) {
    out.clear();
    weir::json::write(message, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_WriteTiny_Weir);

void BM_ReadTiny_Weir(benchmark::State& state) {
  Message message;
  for (auto _ : state) {
    if (!weir::json::read(R"({"message":"Hello, World!"})", message)) state.SkipWithError("refused");
    benchmark::DoNotOptimize(message);
  }
}
BENCHMARK(BM_ReadTiny_Weir);

}  // namespace
