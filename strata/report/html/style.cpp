#include "strata/report/html/style.h"

namespace strata::report {

std::string_view page_style() {
  return R"css(:root{color-scheme:light dark;--page:#f4f6f9;--surface:#fff;--ink:#1c2330;--muted:#5a6475;--rule:#e0e5ec;--accent:#2f6fd0}
@media (prefers-color-scheme:dark){:root{--page:#111318;--surface:#1a1d23;--ink:#e8ebf0;--muted:#a2abb9;--rule:#30353f;--accent:#74a9ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:40px 24px 64px}
h1{margin:0;font-size:30px;line-height:1.2;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{margin:44px 0 14px;font-size:20px;line-height:1.3;scroll-margin-top:16px}
p{margin:0 0 14px;max-width:75ch;white-space:pre-line}
.subtitle{margin:6px 0 0;color:var(--muted)}
nav{margin:16px 0 0;display:flex;flex-wrap:wrap;gap:4px 18px;font-size:14px}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:26px 0 0}
.card{background:var(--surface);border:1px solid var(--rule);border-radius:10px;padding:14px 16px}
.card .label{color:var(--muted);font-size:13px}
.card .value{font-size:26px;font-weight:600;line-height:1.25;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.card .detail{color:var(--muted);font-size:13px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:16px;margin:0 0 16px}
figure{margin:0;background:var(--surface);border:1px solid var(--rule);border-radius:10px;padding:10px;min-width:0}
figure.full{grid-column:1/-1}
figure svg,figure img{display:block;max-width:100%;height:auto;margin:0 auto}
figure img{border-radius:6px}
figcaption{color:var(--muted);font-size:14px;padding:8px 6px 2px}
.scroll{overflow-x:auto;background:var(--surface);border:1px solid var(--rule);border-radius:10px;margin:0 0 16px}
table{border-collapse:collapse;width:100%;font-size:14.5px}
th,td{padding:8px 14px;text-align:left;border-bottom:1px solid var(--rule);white-space:nowrap}
tbody tr:last-child td{border-bottom:0}
th{color:var(--muted);font-weight:600;font-size:13px}
.num{text-align:right;font-variant-numeric:tabular-nums}
.sample,details{background:var(--surface);border:1px solid var(--rule);border-radius:10px;margin:0 0 16px;overflow:hidden}
.sample>.label{color:var(--muted);font-size:13px;padding:10px 16px 0}
pre{margin:0;padding:12px 16px 14px;font:13.5px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}
summary{cursor:pointer;padding:11px 16px;font-size:15px}
details[open]>summary{border-bottom:1px solid var(--rule)}
@media (max-width:600px){main{padding:24px 14px 40px}h1{font-size:24px}}
@media print{body{background:#fff}figure,.card,.sample,.scroll{break-inside:avoid}}
)css";
}

}  // namespace strata::report
