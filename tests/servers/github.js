// What github-start answers: by DIR/rules.json, whose form stands there.
import fs from 'fs';

function rule_for(r) {
  let rules = JSON.parse(fs.readFileSync(r.variables.github_dir + '/rules.json'));
  for (let i = 0; i < rules.length; i++) {
    let rule = rules[i];
    let port = rule.port == 'other' ? r.variables.github_other : r.variables.github_port;
    if (rule.port && port != r.variables.server_port) continue;
    if (new RegExp(rule.match).test(r.variables.request_uri)) return rule;
  }
  return { status: 404, body: { message: 'Not Found', documentation_url: 'https://docs.github.com/rest' } };
}

function answer(r) {
  let rule = rule_for(r), headers = rule.headers || {};
  fs.appendFileSync(r.variables.github_dir + '/asked', '.');
  if (rule.hang) {
    setTimeout(() => r.return(200), 3600000);
    return;
  }
  for (let name in headers)
    r.headersOut[name] = headers[name].replace('PORT', r.variables.github_port).replace('OTHER', r.variables.github_other);
  r.headersOut['Content-Type'] = 'application/json; charset=utf-8';
  if (rule.status >= 300 && rule.status < 400) { // for return() the body would be the Location
    r.status = rule.status;
    r.headersOut['Content-Length'] = '0';
    r.sendHeader();
    r.finish();
    return;
  }
  let body = typeof rule.body == 'string' ? rule.body : JSON.stringify(rule.body || {});
  r.return(rule.status || 200, body.repeat(rule.repeat || 1));
}

export default { answer };
