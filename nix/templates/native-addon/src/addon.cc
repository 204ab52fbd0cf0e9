#include <napi.h>

static Napi::Value Add(const Napi::CallbackInfo& info) {
  double left = info[0].As<Napi::Number>().DoubleValue();
  double right = info[1].As<Napi::Number>().DoubleValue();
  return Napi::Number::New(info.Env(), left + right);
}

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
  exports.Set("add", Napi::Function::New(env, Add));
  return exports;
}

NODE_API_MODULE(addon, Init)
