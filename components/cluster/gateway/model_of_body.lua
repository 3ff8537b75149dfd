-- Chooses the route by the request's own `model`: a string at the top level of its JSON object, whatever else it holds.
local function after_string(text, start)
  local at = start
  while true do
    at = string.find(text, '["\\]', at)
    if not at then return nil end
    if string.sub(text, at, at) == '"' then return at end
    at = at + 2
  end
end

local function model_of(text)
  local depth, at = 0, 1
  while true do
    local from, _, mark = string.find(text, '(["{}%[%]])', at)
    if not from then return nil end
    at = from + 1
    if mark == '{' or mark == '[' then
      depth = depth + 1
    elseif mark ~= '"' then
      depth = depth - 1
    else
      local finish = after_string(text, at)
      if not finish then return nil end
      local key = string.sub(text, at, finish - 1)
      at = finish + 1
      if depth == 1 and key == 'model' then
        local _, _, name = string.find(text, '^%s*:%s*"([^"\\]*)"', at)
        if name then return name end
      end
    end
  end
end

function envoy_on_request(handle)
  local body = handle:body()
  if not body or body:length() == 0 then return end
  local name = model_of(body:getBytes(0, body:length()))
  if name then
    handle:headers():replace('x-model', name)
    handle:clearRouteCache()
  end
end
