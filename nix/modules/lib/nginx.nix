# How nginx serves the pages and the backends behind them, as mempool's own servers do: the pages in
# the visitor's language, each network's API below its prefix, websockets passed through, and what
# cannot change kept.
#
# Type: nginx :: { root, languages, config, customize, backends, esplora ? { }, promoVideo ? null,
#   limits ? null, headers ? true, cache ? { size } } -> { httpConfig, serverConfig, locations }
#
# root: directory of the pages. languages: besides en-US. config, customize: paths of the two
# scripts. backends: network -> "host:port". esplora: the same of the servers of networks whose
# backend has "esplora" for its own. promoVideo: a checkout of mempool-promo. limits: { requests,
# burst, connections } of one visitor: requests a second, how many at once beyond that, and
# websockets. headers: whether to send those that browsers take for caution. locations: what stands
# after `location` -> its text.
{
  root,
  languages,
  config,
  customize,
  backends,
  esplora ? { },
  promoVideo ? null,
  limits ? null,
  headers ? true,
  cache ? {
    size = "2g";
  },
}:
let
  networks = import ./networks.nix;
  lines = texts: builtins.concatStringsSep "\n" texts + "\n";

  languageMap =
    source: variable: default:
    lines (
      [
        "map ${source} ${variable} {"
        "  default ${default};"
        "  ~*^en en-US;"
      ]
      ++ map (language: "  ~*^${language} ${language};") languages
      ++ [ "}" ]
    );

  forwarded = ''
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
  '';

  limited =
    if limits == null then
      ""
    else
      ''
        limit_req zone=mempool_requests burst=${toString limits.burst} nodelay;
        limit_req_status 429;
      '';
  limitedSockets =
    if limits == null then
      ""
    else
      ''
        limit_conn mempool_connections ${toString limits.connections};
        limit_conn_status 429;
      '';

  websocket = address: ''
    proxy_pass http://${address}/;
    ${limitedSockets}    ${forwarded}proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "Upgrade";
    proxy_read_timeout 1h;
  '';

  # kept: how long nginx keeps an answer. expires: how long a browser may.
  cached =
    address: path: kept: expires:
    ''
      proxy_pass http://${address}${path};
      ${limited}${forwarded}proxy_cache mempool;
      proxy_cache_valid 200 ${kept};
      proxy_cache_background_update on;
      proxy_cache_use_stale updating;
      proxy_redirect off;
      expires ${expires};
    '';

  # A page in another language has the same date, and often the same size; on NixOS an ETag is made
  # of the store path alone. Whoever compares these would keep the language that it has.
  unconditional = ''
    etag off;
    if_modified_since off;
  '';

  page = ''
    root ${root};
    try_files /$mempool_language/index.html /en-US/index.html =404;
    ${unconditional}expires 10m;
  '';

  # A script that is no part of the package. It changes without a new name.
  script = path: ''
    alias ${path};
    default_type application/javascript;
    ${unconditional}expires 5m;
  '';

  apiAt =
    prefix: network:
    let
      address = backends.${network};
      v1 = "${prefix}/api/v1";
    in
    {
      "${v1}/ws" = websocket address;
      "${prefix}/ws" = websocket address;
      # For the operators of a server.
      "${v1}/internal/" = "return 404;\n";
      # A block never changes.
      "${v1}/block/" = cached address "/api/v1/block/" "30d" "30d";
      "${v1}/statistics" = cached address "/api/v1/statistics" "10s" "2m";
      "${v1}/mining" = cached address "/api/v1/mining" "10s" "2m";
      "${v1}/fees/recommended" = cached address "/api/v1/fees/recommended" "1s" "1s";
      "${v1}" = cached address "/api/v1" "2s" "-1";
      # What the pages do not ask the backend for, where that is not what knows addresses.
      "${prefix}/api/" =
        if esplora ? ${network} then
          cached esplora.${network} "/" "2s" "-1"
        else
          cached address "/api/v1/" "2s" "-1";
      "${prefix}/api/internal/" = "return 404;\n";
      "${prefix}/api/block/" =
        if esplora ? ${network} then
          cached esplora.${network} "/block/" "30d" "30d"
        else
          cached address "/api/v1/block/" "30d" "30d";
      # The pages that describe it.
      "= ${prefix}/api" = page;
      "= ${prefix}/api/" = page;
    };

  # The names that the pages have for what the repository holds.
  promo =
    if promoVideo == null then
      { }
    else
      {
        "= /resources/promo-video/mempool-promo.mp4" = ''
          alias ${promoVideo}/promo.mp4;
          expires 1h;
        '';
        "~ ^/resources/promo-video/([a-zA-Z-]+\\.vtt)$" = ''
          alias ${promoVideo}/subtitles/$1;
          types { text/vtt vtt; }
          expires 1h;
        '';
      };

  rootNetwork = import ./root-network.nix (builtins.attrNames backends);

  chosen = "(${builtins.concatStringsSep "|" (languages ++ [ "en-US" ])})";
  # What Angular names by its content.
  hashed = "[^/]+\\.[0-9a-f]{16,20}\\.(js|css)$";
in
{
  httpConfig =
    languageMap "$http_accept_language" "$mempool_header_language" "en-US"
    + languageMap "$cookie_lang" "$mempool_language" "$mempool_header_language"
    + ''
      proxy_cache_path /var/cache/nginx/mempool keys_zone=mempool:50m levels=1:2 inactive=60d max_size=${cache.size};
    ''
    + (
      if limits == null then
        ""
      else
        ''
          limit_req_zone $binary_remote_addr zone=mempool_requests:10m rate=${toString limits.requests}r/s;
          limit_conn_zone $binary_remote_addr zone=mempool_connections:10m;
        ''
    );

  serverConfig = ''
    index index.html;
    add_header Cache-Control "public, no-transform";
    add_header Vary "Accept-Language, Cookie";
  ''
  + (
    if headers then
      ''
        add_header X-Content-Type-Options nosniff always;
        add_header Referrer-Policy strict-origin-when-cross-origin always;
        add_header Permissions-Policy "geolocation=(), microphone=(), payment=()" always;
      ''
    else
      ""
  );

  locations =
    builtins.foldl' (all: network: all // apiAt networks.${network}.prefix network) { } (
      builtins.attrNames backends
    )
    // (if backends ? ${rootNetwork} then apiAt "" rootNetwork else { })
    // promo
    // {
      "/" = ''
        root ${root};
        try_files /$mempool_language/$uri $uri /en-US/$uri @mempool-index;
        ${unconditional}expires 10m;
      '';
      "@mempool-index" = ''
        root ${root};
        rewrite ^ /$mempool_language/index.html break;
        ${unconditional}expires 10m;
      '';
      "/resources/" = ''
        root ${root};
        try_files $uri =404;
        expires 1h;
      '';
      "= /resources/config.js" = script config;
      "= /resources/customize.js" = script customize;
      # A language that the visitor chose.
      "~ ^/${chosen}(/|$)" = ''
        root ${root};
        try_files $uri /$1/index.html =404;
        ${unconditional}expires 10m;
      '';
      # In quotes, for the sake of its braces.
      "~ \"^/(${chosen}/)?${hashed}\"" = ''
        root ${root};
        try_files $uri /$mempool_language/$uri /en-US/$uri =404;
        expires 1y;
      '';
    };
}
