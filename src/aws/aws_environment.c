/* Keeps AWS's secrets out of /proc/PID/environ; see aws_environment.h. */
#include "aws/aws_environment.h"

#include "base/environment.h"

void aws_environment_wipe(void)
{
    environment_wipe("AWS_ACCESS_KEY_ID");
    environment_wipe("AWS_SECRET_ACCESS_KEY");
    environment_wipe("AWS_SESSION_TOKEN");
    environment_wipe("AWS_SECURITY_TOKEN");
}
