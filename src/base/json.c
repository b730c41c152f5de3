#include "base/json.h"

#include "base/strbuf.h"

#define TEXT_MAX (64U * 1024)

json_t *json_text(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    _cleanup_strbuf_ struct strbuf ascii = STRBUF_INIT(TEXT_MAX);
    for (; *text; text++)
        strbuf_add(&ascii, (unsigned char)*text < 0x80 ? text : "?", 1);
    return json_string(strbuf_text(&ascii));
}
